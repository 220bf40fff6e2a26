#!/bin/sh
# Try the README's commands on a bare system: a Debian or Ubuntu root with make, git,
# ca-certificates and python3, and nothing else.
#
#   tools/try-bare.sh [FOLDER [COMMAND]]     as root; needs debootstrap
#
# FOLDER is made and stays (by default one in $TMPDIR, removed afterwards); a second run uses it
# as it is, with a new clone of what is committed here. COMMAND is "make test && make demo" unless
# given. Mirror, apt settings, CA certificates and pip settings are those of this machine.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "error: needs root (debootstrap, chroot)" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "error: apt-get install debootstrap" >&2; exit 1; }

if [ $# -gt 0 ]; then
    root=$1
else
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
fi
command=${2:-make test && make demo}

if [ ! -e "$root/.bare" ]; then
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' |
        awk -v suite="$suite" '$2 == suite { print $1; exit }')
    # What the machine itself trusts for that mirror, checked as apt would.
    debootstrap --variant=minbase --include=make,git,ca-certificates,python3 \
        "$suite" "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
    rm -f "$root.log" "$root/etc/apt/sources.list"
    cp -a /etc/apt/. "$root/etc/apt/"
    for keys in /usr/share/keyrings /usr/local/share/ca-certificates; do
        [ ! -d $keys ] || { mkdir -p "$root$keys" && cp -aL $keys/. "$root$keys/"; }
    done
    chroot "$root" update-ca-certificates >/dev/null 2>&1
    for file in /etc/pip.conf "$HOME/.pip/pip.conf" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf"; do
        [ ! -e "$file" ] || cp "$file" "$root/etc/pip.conf"
    done
    touch "$root/.bare"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
rm -rf "$root/root/sig"
git clone --quiet --no-hardlinks . "$root/root/sig"

# Settings of pip and of proxies travel; a folder of this machine or a setting of CI does not.
set -- HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
for name in $(env | sed -n 's/^\(PIP_[A-Z_]*\|[a-z]*_proxy\|[A-Z]*_PROXY\)=.*/\1/p'); do
    [ "$name" = PIP_FIND_LINKS ] || set -- "$@" "$name=$(printenv "$name")"
done
# The mounts end with the process that sees them.
# shellcheck disable=SC2016
exec_bare='mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && root=$0 && command=$1 &&
    shift && exec chroot "$root" env -i "$@" sh -c "cd /root/sig && $command"'
unshare --mount --propagation private sh -c "$exec_bare" "$root" "$command" "$@" </dev/null
