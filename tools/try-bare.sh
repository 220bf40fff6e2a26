#!/bin/sh
# Try the README's commands on a bare system: a Debian or Ubuntu root with make, git,
# ca-certificates and python3, and nothing else.
#
#   tools/try-bare.sh [-s SUITE] [-u USER] [-g GIVEN] [FOLDER [COMMAND]]  as root; needs debootstrap
#
#   -s SUITE    another release than this machine's, from this machine's mirror
#   -u USER     who types COMMAND: root (unless given), or a user
#                   sudo       who may become root with sudo
#                   password   whose sudo asks for a password; there is no terminal to ask on
#                   alone      where there is no sudo at all
#   -g GIVEN    a folder that is ~/given there; what is written to it stays
#   FOLDER      is made once and stays bare: what runs, runs in a copy that is thrown away
#   COMMAND     "make test && make demo" unless given, in a new clone of what is committed here
#
# Mirror, apt settings, CA certificates and pip settings are those of this machine.
# Loaders from built wheels there: tools/try-bare-loader.sh.
set -eu
cd "$(dirname "$0")/.."

die() { echo "error: $1" >&2; exit 1; }

host=$(. /etc/os-release && echo "$VERSION_CODENAME")
suite=$host user=root given=
while getopts g:s:u: option; do
    case $option in
        g) given=$(realpath "$OPTARG") ;;
        s) suite=$OPTARG ;;
        u) user=$OPTARG ;;
        *) die "usage: tools/try-bare.sh [-s SUITE] [-u USER] [-g GIVEN] [FOLDER [COMMAND]]" ;;
    esac
done
shift $((OPTIND - 1))
case $user in root | sudo | password | alone) ;; *) die "-u is root, sudo, password or alone" ;; esac

[ "$(id -u)" = 0 ] || die "needs root (debootstrap, chroot)"
command -v debootstrap >/dev/null || die "apt-get install debootstrap"

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
bare=${1:-$room/bare}
command=${2:-make test && make demo}

if [ ! -e "$bare/.bare" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' |
        awk -v suite="$host" '$2 == suite { print $1; exit }')
    # What the machine itself trusts for that mirror, checked as apt would.
    debootstrap --variant=minbase --include=make,git,ca-certificates,python3 \
        "$suite" "$bare" "$mirror" >"$room/log" 2>&1 || { tail -n 20 "$room/log" >&2; exit 1; }
    rm -f "$bare/etc/apt/sources.list"
    cp -a /etc/apt/. "$bare/etc/apt/"
    find "$bare/etc/apt/sources.list" "$bare/etc/apt/sources.list.d" -type f \
        -exec sed -i "s/\b$host\b/$suite/g" {} + 2>/dev/null || true  # either may be missing
    for keys in /usr/share/keyrings /usr/local/share/ca-certificates; do
        [ ! -d $keys ] || { mkdir -p "$bare$keys" && cp -aL $keys/. "$bare$keys/"; }
    done
    chroot "$bare" update-ca-certificates >/dev/null 2>&1
    for file in /etc/pip.conf "$HOME/.pip/pip.conf" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf"; do
        [ ! -e "$file" ] || cp "$file" "$bare/etc/pip.conf"
    done
    echo "$suite" >"$bare/.bare"
fi
[ "$(cat "$bare/.bare")" = "$suite" ] || die "$bare is $(cat "$bare/.bare"), not $suite"

root=$room/root
cp -a "$bare" "$root"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

who=root home=/root
if [ "$user" != root ]; then
    who=carol home=/home/carol
    chroot "$root" useradd --create-home $who
fi
if [ "$user" = sudo ] || [ "$user" = password ]; then
    chroot "$root" sh -ec 'apt-get update && apt-get install --no-install-recommends -y sudo
        rm -rf /var/lib/apt/lists/*' >"$room/log" 2>&1 || { tail -n 20 "$room/log" >&2; exit 1; }
    asks=
    [ "$user" = password ] || asks=NOPASSWD:
    echo "$who ALL=(ALL) $asks ALL" >"$root/etc/sudoers.d/$who"
fi
git clone --quiet --no-hardlinks . "$root$home/sig"
chroot "$root" chown -R $who: $home/sig
[ -z "$given" ] || mkdir "$root$home/given"

# Settings of pip and of proxies travel; a folder of this machine or a setting of CI does not.
set -- HOME=$home PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
[ "$user" != root ] || set -- "$@" PATH=/usr/sbin:/usr/bin:/sbin:/bin
for name in $(env | sed -n 's/^\(PIP_[A-Z_]*\|[a-z]*_proxy\|[A-Z]*_PROXY\)=.*/\1/p'); do
    [ "$name" = PIP_FIND_LINKS ] || set -- "$@" "$name=$(printenv "$name")"
done
# Mounts and processes end with the one that is started here; setsid takes the terminal away. The
# root is a mount, or none could be made there.
# shellcheck disable=SC2016
exec_bare='mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
    { [ -z "$1" ] || mount --bind "$1" "$0$2/given"; } && root=$0 && who=$3 && command=$4 &&
    shift 4 && exec setsid --wait chroot --userspec="$who:" "$root" \
    env -i "$@" sh -c "cd ~/sig && $command"'
unshare --mount --pid --fork --kill-child --propagation private \
    sh -c "$exec_bare" "$root" "$given" "$home" "$who" "$command" "$@" </dev/null
