# Two stages: the first builds with the development dependencies and throws them away, the second runs as nobody much.
#
#   docker build -t dnsweir:0.1.0 .
#   docker run --rm -p 1053:1053/udp -p 1053:1053/tcp dnsweir:0.1.0 \
#     serve --config /etc/dnsweir/dnsweir.yaml --listen 0.0.0.0:1053 --upstream 192.168.1.1
FROM node:20-bookworm-slim AS build
WORKDIR /opt/dnsweir
# First what seldom changes, so that its layer is kept. `prepare` would build, and there is no source yet.
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN ["npm", "run", "build"]
# `prepare` needs the compiler, which goes here: hence no scripts. No dependency of ours needs one (koffi is prebuilt).
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/dnsweir
COPY --from=build /opt/dnsweir/node_modules ./node_modules
COPY --from=build /opt/dnsweir/dist ./dist
COPY package.json LICENSE README.md ./
# The configuration is a folder to mount over.
COPY config/dnsweir.yaml /etc/dnsweir/dnsweir.yaml
# The image's user `node`, as a number, so that Kubernetes can see that it is not root.
USER 1000:1000
# Unprivileged ports: DNS over UDP and TCP, and metrics and health on loopback.
EXPOSE 1053/udp 1053/tcp
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve", "--config", "/etc/dnsweir/dnsweir.yaml"]
