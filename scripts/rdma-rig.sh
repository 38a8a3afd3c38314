#!/usr/bin/env bash
# Emulated hosts with the kernel's own RDMA stack, for tests of the verbs provider. See --help and docs/rdma.md.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/rdma-rig.sh [options] -- COMMAND

Boots hosts under QEMU without KVM, each with Debian's kernel and a Soft-RoCE device rxe0, and runs COMMAND (words are
joined with spaces, as ssh does) with bash on each of them, as root, in the folder in which the rig was started.

  --hosts N        how many (1); they are 10.99.0.1, 10.99.0.2 ... on one Ethernet segment of their own
  --memory MIB     of each (2048)
  --cpus N         of each (1)
  --timeout S      a host that still runs after that is ended, and has failed (300)
  --out DIR        the folder that all hosts see as /out and may write (a temporary one, removed at the end)
  --netem "WORDS"  faults of what leaves each host, as in "loss 2% delay 1ms 1ms reorder 10%" (tc-netem)
  --check          only say whether all that is needed is here, and fetch the kernel
  --install        the same, after installing the packages that are missing (as root)

A host sees this machine's files, those of this checkout as they were at the start; what it writes elsewhere than under
/out is its own and is forgotten. COMMAND finds HOST_ID (1 and up), HOST_COUNT and HOST_IP in its environment, and a
function of bash, power_off CODE: the host is off at once, as if its plug were pulled, and COMMAND counts as ended with
CODE. What COMMAND says comes out with "[host N] " before each line.
ZABKV_RDMA_RIG_CACHE names the folder where the kernel is kept (~/.cache/zabkv-rdma-rig).

Exit codes: 0 COMMAND exited with 0 on all hosts, 1 it did not, 2 usage, or something is missing on this machine.
USAGE
}

stop() { # CODE SENTENCE
  echo "rdma-rig: $2" >&2
  exit "$1"
}

hosts=1 memory=2048 cpus=1 limit=300 out='' netem='' only_check='' install=''
while (($# > 0)); do
  case $1 in
    --) break ;;
    -h | --help) usage; exit 0 ;;
    --check) only_check=yes; shift; continue ;;
    --install) only_check=yes install=yes; shift; continue ;;
    --hosts | --memory | --cpus | --timeout)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || stop 2 "$1 needs a number of at least 1: see --help." ;;&
    --out | --netem) [[ ${2-} != '' ]] || stop 2 "$1 needs a value: see --help." ;;&
    --hosts) hosts=$2 ;;
    --memory) memory=$2 ;;
    --cpus) cpus=$2 ;;
    --timeout) limit=$2 ;;
    --out) out=$2 ;;
    --netem) netem=$2 ;;
    *) stop 2 "unknown option $1: see --help." ;;
  esac
  shift 2
done
if [[ ${1-} == -- ]]; then shift; fi
[[ $only_check == yes || $# -gt 0 ]] || stop 2 'there is no COMMAND: see --help.'
((hosts <= 16)) || stop 2 "--hosts is 1 to 16, not $hosts: see --help."

# ---- what this machine has

PACKAGES=(
  qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio depmod:kmod rdma:iproute2 setpriv:util-linux
  ibv_devinfo:ibverbs-utils mke2fs:e2fsprogs
)
find_missing() {
  missing=()
  for each in "${PACKAGES[@]}"; do
    command -v "${each%%:*}" >/dev/null || missing+=("${each##*:}")
  done
  compgen -G '/usr/lib/*/libibverbs/librxe-rdmav*.so' >/dev/null || missing+=(ibverbs-providers)
}
find_missing
if [[ $install == yes ]] && ((${#missing[@]} > 0 && EUID == 0)); then
  # shellcheck source=/dev/null
  source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"
  setup_say "installing ${missing[*]}"
  setup_install "${missing[@]}" || true
  find_missing
fi
((${#missing[@]} == 0)) ||
  stop 2 "${#missing[@]} packages are missing; as root: apt-get install -y --no-install-recommends ${missing[*]}"

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${ZABKV_RDMA_RIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zabkv-rdma-rig}
mkdir -p "$cache"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/rdma-rig.XXXXXX")

# What was started, by pid. Waited for as well, so that nothing of a rig outlives it.
started=()
on_exit() {
  local code=$? pid
  trap '' INT TERM HUP
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
  exit "$code"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- the kernel: unpacked into the cache, not installed; kept for the next time

# Sets tree, the folder with boot/ and lib/modules/, and version.
find_kernel() {
  local package part=$scratch/kernel
  tree=$cache/kernel
  if [[ ! -d $tree ]]; then
    package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }') || true
    mkdir -p "$part/tree"
    [[ $package != '' ]] &&
      (cd "$part" && apt-get download -q -o APT::Sandbox::User=root "$package" >&2 && dpkg-deb -x ./*.deb tree) ||
      stop 2 'the kernel package cannot be had; as root: apt-get update && apt-get download linux-image-amd64'
    # Debian's root has lib as a link to usr/lib, and newer packages say so.
    [[ -d $part/tree/lib ]] || ln -s usr/lib "$part/tree/lib"
    depmod -b "$part/tree" "$(ls "$part/tree/lib/modules")"
    mv -T "$part/tree" "$tree" 2>/dev/null || [[ -d $tree ]] # another rig may have been faster
  fi
  version=$(ls "$tree/lib/modules")
  kernel=$tree/boot/vmlinuz-$version
}

# ---- the initial file system: busybox, modules, and the way from there into this machine's files

MODULES=(
  virtio_pci virtio_net virtio_rng virtio_console 9pnet_virtio 9p overlay crc32_generic crc32c_generic crc32_pclmul
  ib_uverbs rdma_ucm rdma_rxe sch_netem virtio_blk ext4
)

write_init() {
  cat <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev /host /layer /new
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r file; do $b insmod /modules/$file || echo "rig: the module $file does not load"; done </modules/order
nine() { $b mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000$3" "$1" "$2"; }
nine host /host ,cache=loose,ro
$b mount -t tmpfs layer /layer
$b mkdir /layer/own /layer/work
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/own,workdir=/layer/work overlay /new
$b mkdir -p /new/proc /new/sys /new/dev /new/run /new/out
for each in proc sys dev; do $b mount --move /$each /new/$each; done
$b ln -s /proc/self/fd /new/dev/fd
$b mkdir -p /new/dev/shm /new/dev/pts
$b mount -t tmpfs shm /new/dev/shm
$b mount -t devpts pts /new/dev/pts
$b mount -t tmpfs run /new/run
$b mkdir /new/run/rig
nine rig /new/run/rig
nine out /new/out
for word in $($b cat /new/proc/cmdline); do case $word in rig_host=*) id=${word#*=} ;; esac; done
exec $b switch_root /new /bin/bash /run/rig/host.sh "$id"
INIT
}

# Sets image. Named for all it is made of: a change makes another one.
make_image() {
  local folder=$scratch/image module file
  image=$cache/initrd-$version-$({ write_init; echo "${MODULES[@]}"; } | sha256sum | cut -c 1-12).gz
  [[ ! -f $image ]] || return 0
  mkdir -p "$folder/bin" "$folder/modules"
  cp "$(command -v busybox)" "$folder/bin/busybox"
  # A module that this kernel does not have is built in, or not needed: the host says so if it is.
  for module in "${MODULES[@]}"; do
    modprobe -d "$tree" -S "$version" --show-depends "$module" 2>/dev/null | awk '$1 == "insmod" { print $2 }' || true
  done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$folder/modules/"
    basename "$file" >>"$folder/modules/order"
  done
  write_init >"$folder/init"
  chmod +x "$folder/init"
  (cd "$folder" && find . | cpio --quiet -o -H newc | gzip -1) >"$scratch/image.gz"
  mv "$scratch/image.gz" "$image"
}

# ---- this checkout, as a disk: starting node opens hundreds of its files, and each is slow over 9p

make_disk() { # sets disk
  local copy=$scratch/checkout mebibytes
  disk=$scratch/checkout.ext4
  mkdir "$copy"
  tar -C "$project" --exclude=./.git --exclude=./node_modules/typescript -cf - . | tar -C "$copy" -xf -
  mebibytes=$(($(du -sm "$copy" | cut -f 1) * 3 / 2 + 16))
  truncate -s "${mebibytes}M" "$disk"
  PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -O ^has_journal -d "$copy" "$disk"
  rm -rf "$copy"
}

# ---- a host

# The first process of a host: what a distribution's start would do, COMMAND, and off.
write_host() {
  cat <<HOST
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
export HOST_ID=\$1 HOST_COUNT=$hosts HOST_IP=10.99.0.\$1
export ZABKV_SETUP_DONE=$(printf %q "${ZABKV_SETUP_DONE:-}")
ulimit -l unlimited
hostname rig\$1
{
  ip link set lo up
  ip link set eth0 up
  ip addr add \$HOST_IP/24 dev eth0
  ip route add 224.0.0.0/4 dev eth0
  rdma link add rxe0 type rxe netdev eth0
  ${netem:+tc qdisc add dev eth0 root netem limit 100000 $netem || exit}
} >/dev/console 2>&1
power_off() {
  echo "\$1" >/run/rig/exit.\$HOST_ID
  echo o >/proc/sysrq-trigger
  sleep 60
}
export -f power_off
mkdir /run/checkout /run/own /run/work
mount -t ext4 -o ro,noatime /dev/vda /run/checkout
mount -t overlay -o lowerdir=/run/checkout,upperdir=/run/own,workdir=/run/work overlay $(printf %q "$project")
cd $(printf %q "$PWD")
stty raw -echo </dev/hvc0
bash /run/rig/command </dev/null >/dev/hvc0 2>&1
echo \$? >/run/rig/exit.\$1
# Not off before all was taken: the console's other end reads when it can.
sync
sleep 0.3
echo o >/proc/sysrq-trigger
sleep 60
HOST
}

start_host() { # ID
  local id=$1 said=$scratch/said.$1
  mkfifo "$said"
  sed -u -e 's/\r$//' -e "s/^/[host $id] /" <"$said" &
  readers+=($!)
  setpriv --pdeathsig TERM -- timeout "$limit" qemu-system-x86_64 \
    -machine q35 -accel tcg,thread=multi -cpu max -m "$memory" -smp "$cpus" -display none -no-reboot -nodefaults \
    -kernel "$kernel" -initrd "$image" \
    -append "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off rig_host=$id" \
    -serial "file:$scratch/console.$id" \
    -chardev stdio,id=said,signal=off -device virtio-serial-pci -device virtconsole,chardev=said \
    -device virtio-rng-pci \
    -drive "file=$disk,format=raw,if=virtio,readonly=on" \
    -virtfs local,path=/,security_model=none,mount_tag=host,readonly=on,multidevs=remap \
    -virtfs "local,path=$scratch/shared,security_model=none,mount_tag=rig" \
    -virtfs "local,path=$out,security_model=none,mount_tag=out" \
    -netdev "socket,id=segment,mcast=230.0.0.1:$segment,localaddr=127.0.0.1" \
    -device "virtio-net-pci,netdev=segment,mac=52:54:00:99:00:$(printf %02x "$id")" \
    </dev/null >"$said" 2>&1 &
  started+=($!)
}

# ---- all of it

find_kernel
make_image
[[ $only_check != yes ]] || exit 0

out=${out:-$scratch/out}
mkdir -p "$out" "$scratch/shared"
out=$(cd "$out" && pwd)
printf '%s\n' "$*" >"$scratch/shared/command"
write_host >"$scratch/shared/host.sh"

make_disk
segment=$((20000 + ($$ + RANDOM) % 20000))
readers=()
for ((id = 1; id <= hosts; id++)); do start_host "$id"; done
for pid in "${started[@]}" "${readers[@]}"; do wait "$pid" || true; done
started=()

code=0
for ((id = 1; id <= hosts; id++)); do
  ended=$(cat "$scratch/shared/exit.$id" 2>/dev/null || true)
  [[ $ended != 0 ]] || continue
  code=1
  if [[ $ended != '' ]]; then
    echo "rdma-rig: COMMAND exited with $ended on host $id." >&2
  else
    echo "rdma-rig: host $id did not end by itself within $limit seconds. Its console said last:" >&2
    tail -n 15 "$scratch/console.$id" >&2 || true
  fi
done
exit "$code"
