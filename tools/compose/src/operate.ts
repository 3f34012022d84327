/** `docker compose run --rm ops …`: the operator's command lines, for the services of its network. `dlq list`, `sagas`, as with `npm run`. */
import '@ballast/ops/ops';
