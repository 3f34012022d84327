# One file for every service: docker build --build-arg SERVICE=cart -t ballast/cart .
# Everything before `runtime` is the same for all of them, so it is built once. Works with BuildKit and with the classic builder.

FROM node:24-trixie-slim AS base
WORKDIR /ballast
ENV NODE_ENV=production NPM_CONFIG_UPDATE_NOTIFIER=false

# What npm reads and nothing else, so that the layers of packages below stay until a package.json or the lock changes.
FROM base AS manifests
COPY . .
RUN mkdir /manifests && find . -name package.json -o -name package-lock.json -o -name .npmrc | xargs cp --parents -t /manifests

FROM base AS packages
COPY --from=manifests /manifests .
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error && npm cache clean --force --loglevel=silent
COPY infra/docker/assemble.mjs infra/docker/
RUN node infra/docker/assemble.mjs packages /packages

FROM packages AS build
COPY . .
RUN node node_modules/typescript-native/bin/tsc -b apps/*/tsconfig.lib.json tools/compose/tsconfig.lib.json && node infra/docker/assemble.mjs compiled /compiled

FROM base AS runtime
# Runs as nobody's root, needs no capability and writes nothing: compose takes both away (infra/compose/service.yml).
USER node
ENV SERVICE_HOST=0.0.0.0 PORT=3000 TRUSTED_PROXIES=uniquelocal OTEL_NODE_RESOURCE_DETECTORS=env,host,process

# Seeds, demonstrates, operates and reconciles a running platform; no service.
FROM runtime AS tools
COPY --from=packages /packages/tools/compose/ ./
COPY --from=build /compiled/tools/compose/ ./
# By this file the launchers, which are imported too, know the workspace's root.
COPY nx.json ./

FROM runtime AS service
ARG SERVICE
COPY --from=packages /packages/apps/${SERVICE}/ ./
COPY --from=build /compiled/apps/${SERVICE}/ ./
EXPOSE 3000
# By bash, not by Node: one Node per service every few seconds takes the better part of a core; starting a process in each of thirty containers every
# few seconds takes a third of one by itself. Two cores that start a whole cluster are busy for minutes, hence the period.
HEALTHCHECK --interval=15s --timeout=5s --start-period=240s --retries=3 CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/$PORT; printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3; read -r line <&3; [[ $line == *' 200 '* ]]"]
CMD ["node", "--import", "@ballast/tracing/register", "main.mjs"]
