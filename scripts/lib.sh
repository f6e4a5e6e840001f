# Helpers of the other scripts here; sourced, not run. shellcheck shell=bash

# Debian 12 packages by purpose.
packages_build="build-essential cmake ninja-build ccache pkg-config ca-certificates python3
 libcurl4-openssl-dev libcjson-dev libyaml-dev libyajl-dev libmicrohttpd-dev"
packages_fuzz="clang libclang-rt-14-dev llvm-14 libcmocka-dev"
# The last line: development files that libcurl's own pkg-config file names for static links.
packages_test="$packages_fuzz git clang-format clang-tidy valgrind abigail-tools shellcheck swig python3-dev python3-venv
 python3-pip luajit2 libluajit2-5.1-dev lua5.1 lua5.4 liblua5.4-dev lua-luv lua-check luarocks neovim nginx
 libnginx-mod-http-lua wrk openssl procps iproute2 curl coinor-cbc
 nlohmann-json3-dev libstb-dev
 libnghttp2-dev libidn2-dev librtmp-dev libssh2-1-dev libpsl-dev libssl-dev libkrb5-dev libldap-dev libzstd-dev libbrotli-dev"

say()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
    say "$*"
    exit 1
}

# Runs a command as root; the only thing that ever needs it is installing packages.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n true 2>/dev/null || [ -t 0 ] || return 1
        sudo "$@"
    fi
}

# Prints those of the packages named that are not installed.
missing_packages()
{
    local package installed
    installed=$'\n'$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)$'\n'
    for package in "$@"; do
        [[ $installed == *$'\n'"$package installed"$'\n'* ]] || printf '%s ' "$package"
    done
}

# install_packages PACKAGE…: what is missing, in one call; a few milliseconds when all is there.
install_packages()
{
    local missing log
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here; these Debian packages, or what they are called here, must be installed: $*"
        return 0
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    say "installing: $missing"
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of packages
    if ! { apt_get update && apt_get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "could not install; run as root: apt-get install $missing"
    fi
    rm -f "$log"
}

apt_get()
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# Debian's own Python, whose development files are the ones installed, also where another comes first in PATH.
python()
{
    if [ -x /usr/bin/python3 ]; then
        echo /usr/bin/python3
    else
        command -v python3
    fi
}

# configure PRESET [ARGUMENT…]
configure()
{
    local preset=$1
    shift
    command -v ccache >/dev/null && set -- -DCMAKE_C_COMPILER_LAUNCHER=ccache "$@"
    cmake --preset "$preset" --no-warn-unused-cli -DPython3_EXECUTABLE="$(python)" "$@"
}

# build PRESET [TARGET…]; silent unless it fails.
build()
{
    local preset=$1 said
    shift
    said=$(nice ninja --quiet -C "build/$preset" "$@" 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
}
