#!/usr/bin/env bash
# Run a command beside a real S3 server: Ceph's, on loopback, gone when the command is done.
#
#   tests/s3/ceph.sh COMMAND ...
#
# One monitor, one manager, one OSD on a sparse file, and radosgw, all children of this script. The
# command finds the server in PLAYHEAD_TEST_S3, and in the file PLAYHEAD_TEST_S3_PID the process to
# freeze or to kill: it is started again.
# KEEP_LOGS=1 leaves the logs where the last line says.
set -euo pipefail

key=playhead-acceptance
secret=a-secret-of-one-afternoon
home=$(mktemp -d /tmp/playhead-ceph.XXXXXX)
conf=$home/ceph.conf
gateway=$home/radosgw.pid
pools=(.rgw.root default.rgw.{control,log,meta} default.rgw.buckets.{data,index,non-ec})
pgs_each=4
children=()

say() { echo "ceph.sh: $*" >&2; }

install_ceph() {
    local name missing=()
    for name in radosgw ceph-mon ceph-mgr ceph-osd; do
        command -v "$name" >/dev/null || missing+=("$name")
    done
    command -v ceph >/dev/null && command -v radosgw-admin >/dev/null || missing+=(ceph-common)
    ((${#missing[@]})) || return 0
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        say "needs ${missing[*]}. On Debian, as root: apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(each.getsockname()[1] for each in held))
PYTHON
}

# until_true SECONDS COMMAND...: wait for a command to succeed.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            say "gave up waiting for: $*"
            return 1
        fi
        sleep 0.2
    done
}

start() {
    "$@" >>"$home/log/output" 2>&1 &
    children+=($!)
}

stop_all() {
    local status=$?
    trap - EXIT
    # Nothing is kept, so nobody gets time to say good-bye.
    if ((${#children[@]})); then
        kill -KILL "${children[@]}" 2>/dev/null || true
        [[ ! -e $gateway ]] || kill -KILL "$(<"$gateway")" 2>/dev/null || true
        wait "${children[@]}" 2>/dev/null || true
    fi
    if [[ ${KEEP_LOGS:-} ]]; then say "logs are in $home/log"; else rm -rf "$home"; fi
    exit "$status"
}

write_settings() {
    local modern old
    read -r modern old port < <(free_ports 3)
    monitor="[v2:127.0.0.1:$modern,v1:127.0.0.1:$old]"
    mkdir -p "$home"/{log,run,mon,mgr,osd,rgw}
    # Debian's OSD looks for its classes in a relative folder; without them radosgw cannot start.
    # cephx stays on: without it radosgw waits for ever.
    cat >"$conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon_host = $monitor
public_network = 127.0.0.0/8
keyring = $home/keyring
run_dir = $home/run
admin_socket = $home/run/\$name.socket
log_file = $home/log/\$name
mon_cluster_log_file = $home/log/cluster
mon_data = $home/mon
mgr_data = $home/mgr
osd_data = $home/osd
rgw_data = $home/rgw
auth_allow_insecure_global_id_reclaim = false
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_memory_target = 939524096
osd_class_dir = $(dirname "$(find /usr/lib -name libcls_rgw.so -print -quit)")
bluestore_block_size = 4294967296
rgw_frontends = beast endpoint=127.0.0.1:$port
CONF
}

write_keys() {
    local ring=$home/keyring
    new_key() { ceph-authtool "$ring" --gen-key --name "$@" >/dev/null; }
    ceph-authtool --create-keyring "$ring" >/dev/null
    new_key mon. --cap mon 'allow *'
    new_key client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    new_key mgr.one --cap mon 'allow profile mgr' --cap osd 'allow *'
    new_key osd.0 --cap mon 'allow profile osd' --cap mgr 'allow profile osd' --cap osd 'allow *'
    new_key client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
}

ask() { timeout 20 ceph -c "$conf" "$@"; }
osd_is_up() { ask osd stat | grep -q ' 1 up'; }
pools_are_clean() { ask pg stat | grep -qE "\b$((${#pools[@]} * pgs_each)) active\+clean"; }

start_cluster() {
    local pool id
    id=$(cat /proc/sys/kernel/random/uuid)
    monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$conf")" --addv one "$monitor" "$home/map" >/dev/null
    ceph-mon -c "$conf" -i one --mkfs --monmap "$home/map" >>"$home/log/output" 2>&1
    start ceph-mon -f -c "$conf" -i one
    until_true 30 ask mon stat
    start ceph-mgr -f -c "$conf" -i one
    ask osd new "$id" 0 >/dev/null
    ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$id" >>"$home/log/output" 2>&1
    start ceph-osd -f -c "$conf" -i 0
    until_true 30 osd_is_up
    for pool in "${pools[@]}"; do
        ask osd pool create "$pool" $pgs_each $pgs_each --yes-i-really-mean-it
        ask osd pool application enable "$pool" rgw --yes-i-really-mean-it
    done >>"$home/log/output" 2>&1
    until_true 60 pools_are_clean
}

keep_radosgw() {
    while true; do
        radosgw -f -c "$conf" -n client.rgw --no-mon-config &
        echo $! >"$gateway"
        wait $! || true
    done
}

start_radosgw() {
    # Right after the pools were made, the first call may hang; it is given up and repeated.
    until_true 90 timeout 20 radosgw-admin -c "$conf" user create \
        --uid=playhead --display-name=Playhead --access-key="$key" --secret-key="$secret"
    start keep_radosgw
    until_true 60 curl -fsS "http://127.0.0.1:$port/"
}

(($#)) || { say "which command?"; exit 2; }
trap stop_all EXIT
install_ceph
write_settings
write_keys
start_cluster
start_radosgw
say "radosgw answers on port $port after $SECONDS s"
export PLAYHEAD_TEST_S3=http://$key:$secret@127.0.0.1:$port PLAYHEAD_TEST_S3_PID=$gateway
"$@"
