#!/bin/sh
# One of three, named by ETCD_NAME, which is its host name too. MEMBER_STATE is `existing` for one that was taken out and in again without its data:
# docs/runbooks/etcd-member-down.md. One that has data does not look at it.
set -eu
exec etcd --data-dir=/data/etcd --logger=zap --log-level=warn \
  --listen-client-urls=http://0.0.0.0:2379 --advertise-client-urls="http://$ETCD_NAME:2379" \
  --listen-peer-urls=http://0.0.0.0:2380 --initial-advertise-peer-urls="http://$ETCD_NAME:2380" \
  --initial-cluster=etcd-1=http://etcd-1:2380,etcd-2=http://etcd-2:2380,etcd-3=http://etcd-3:2380 \
  --initial-cluster-state="${MEMBER_STATE:-new}" --initial-cluster-token=ballast \
  --auto-compaction-retention=1h --quota-backend-bytes=67108864
