/** `npm run sync`: writes all that is made from the services' manifests, for the editor and for docker compose. */
import './dev/dist/sync.js';
import './compose/dist/generate.js';
