#!/bin/sh
# Installs the dependencies of the tests besides the Rust toolchain:
#
#   tests/install-dependencies.sh [databases] [pgbouncer] [replication] [faketime] [strace] [curl]
#                                 [documents] [schemathesis] [oidc-provider] [chromium] [page-checkers] [cargo-deny]
#
#   databases    the server programs of PostgreSQL and MariaDB. The tests start
#                private instances of them; no service is set up or started.
#   pgbouncer    a pooler for PostgreSQL. No service is set up or started.
#   replication  Galera, the library that makes MariaDB servers a cluster.
#   faketime     libfaketime, a library that changes the time of a program.
#   strace       records the system calls of a program.
#   curl         the HTTP client of the examples in the documents.
#   documents    the programs that the handbook configures: nginx, systemd-analyze, sqlite3. No service
#                is set up or started.
#   schemathesis a tester of HTTP APIs by their OpenAPI description, in a Python environment of
#                its own in the user's cache directory.
#   oidc-provider an OpenID provider to sign in with, an npm package, in a directory of its own
#                in the user's cache directory.
#   chromium     the browser that pages are tested in, and its driver.
#   page-checkers axe-core and html-validate, npm packages, in a directory of their own in the
#                user's cache directory.
#   cargo-deny   the checker of dependencies and licences (`cargo deny check`).
#
# Without arguments, installs everything. Does nothing, without output, if all is installed.
set -eu

cargo_deny_version=0.20.2
# The harness looks there as well (tests/harness/src/programs.rs).
schemathesis_version=4.32.5
schemathesis="${XDG_CACHE_HOME:-$HOME/.cache}/waypost-tests/schemathesis-$schemathesis_version"
# Its version, and those of its dependencies, are in tests/harness/oidc-provider. It is the newest one
# that runs with Node.js 18, the version of Debian 12.
oidc_provider_version=8.8.1
oidc_provider="${XDG_CACHE_HOME:-$HOME/.cache}/waypost-tests/oidc-provider-$oidc_provider_version"
# Their versions, and those of their dependencies, are in tests/harness/page-checkers. They are the
# newest ones that run with Node.js 18.
page_checkers="${XDG_CACHE_HOME:-$HOME/.cache}/waypost-tests/page-checkers-axe-4.14.1-html-validate-9.7.1"
here=$(cd "$(dirname "$0")" && pwd)

say() { printf 'install-dependencies: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The harness looks there as well (tests/harness/src/programs.rs).
has_program() {
    for path in "/usr/sbin/$1" "/usr/local/sbin/$1" /usr/lib/postgresql/*/bin/"$1"; do
        [ -x "$path" ] && return 0
    done
    command -v "$1" >/dev/null 2>&1
}

has_postgresql() { has_program postgres && has_program initdb; }

has_mariadb() {
    { has_program mariadbd || has_program mysqld; } &&
        { has_program mariadb-install-db || has_program mysql_install_db; }
}

# Runs a command as root; fails if that needs a password, which cannot be typed here.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

may_become_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null 2>&1 || return 1
    [ -t 0 ] || sudo -n true 2>/dev/null
}

# Debian's postgresql package creates and starts a cluster named "main" when it
# is first installed. The tests do not need it: this setting, which exists
# only during the installation, prevents it.
no_main_cluster=/etc/postgresql-common/createcluster.d/waypost-tests.conf

allow_main_cluster() {
    as_root rm -f "$no_main_cluster"
    as_root rmdir "${no_main_cluster%/*}" 2>/dev/null || :
}

forbid_main_cluster() {
    trap allow_main_cluster EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    as_root mkdir -p "${no_main_cluster%/*}"
    echo 'create_main_cluster = false' | as_root tee "$no_main_cluster" >/dev/null
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null; }

apt_install() {
    apt_get install -y --no-install-recommends "$@" && return 0
    # The package lists may be missing or older than the mirror.
    apt_get update && apt_get install -y --no-install-recommends "$@"
}

databases() {
    packages=
    has_postgresql || packages="$packages postgresql"
    # Only the programs: no service, no account, no /var/lib/mysql.
    has_mariadb || packages="$packages mariadb-server-core mariadb-client-core"
    [ -n "$packages" ] || return 0

    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install as root the server programs of these Debian packages (or your system's equivalents):$packages"
    say "installing$packages"
    case $packages in *postgresql*) forbid_main_cluster ;; esac
    # shellcheck disable=SC2086 # a list of words
    apt_install $packages || die "apt-get could not install:$packages"
    has_postgresql || die "the programs postgres and initdb are still not found"
    has_mariadb || die "the programs mariadbd and mariadb-install-db are still not found"
}

# Installs the Debian package of a program that would start a service, and prevents that.
without_service() {
    has_program "$1" && return 0
    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install $1 (Debian package: $2)"
    say "installing $2"
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        apt_install "$2" || die "apt-get could not install $2"
    else
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        apt_install "$2" || die "apt-get could not install $2"
        as_root rm -f "$policy"
    fi
    if command -v systemctl >/dev/null 2>&1; then
        as_root systemctl disable "$1" >/dev/null 2>&1 || :
    fi
    has_program "$1" || die "the program $1 is still not found"
}

# Installs the Debian package of a program that starts nothing.
with_program() {
    has_program "$1" && return 0
    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install $1 (Debian package: $2)"
    say "installing $2"
    apt_install "$2" || die "apt-get could not install $2"
    has_program "$1" || die "the program $1 is still not found"
}

documents() {
    without_service nginx nginx-light
    with_program systemd-analyze systemd
    with_program sqlite3 sqlite3
}

# The harness looks there as well (tests/harness/src/programs.rs).
has_galera() {
    for path in /usr/lib/galera /usr/lib64/galera-4 /usr/lib/galera-4; do
        [ -e "$path/libgalera_smm.so" ] && return 0
    done
    return 1
}

replication() {
    has_galera && return 0
    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install Galera (Debian package: galera-4)"
    say "installing galera-4"
    apt_install galera-4 || die "apt-get could not install galera-4"
    has_galera || die "the library libgalera_smm.so is still not found"
}

# The harness looks there as well (tests/harness/src/programs.rs).
has_faketime() {
    for path in /usr/lib/*/faketime/libfaketimeMT.so.1; do
        [ -e "$path" ] && return 0
    done
    return 1
}

faketime() {
    has_faketime && return 0
    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install libfaketime (Debian package: libfaketime)"
    say "installing libfaketime"
    apt_install libfaketime || die "apt-get could not install libfaketime"
    has_faketime || die "the library libfaketimeMT.so.1 is still not found"
}

has_venv() { python3 -c 'import venv, ensurepip' >/dev/null 2>&1; }

schemathesis() {
    [ -x "$schemathesis/bin/schemathesis" ] && return 0
    has_venv || {
        command -v apt-get >/dev/null 2>&1 && may_become_root ||
            die "please install Python 3 with venv (Debian package: python3-venv)"
        say "installing python3-venv"
        apt_install python3-venv || die "apt-get could not install python3-venv"
    }
    say "installing schemathesis $schemathesis_version"
    # Its dependencies are installed first: if its program exists, the installation is complete.
    rm -rf "$schemathesis"
    mkdir -p "${schemathesis%/*}"
    python3 -m venv "$schemathesis"
    "$schemathesis/bin/python" -m pip install --quiet --disable-pip-version-check \
        "schemathesis==$schemathesis_version" || die "pip could not install schemathesis"
}

has_npm() { command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; }

node_js() {
    has_npm && return 0
    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install Node.js 18 or newer with npm (Debian packages: nodejs npm)"
    say "installing nodejs and npm"
    apt_install nodejs npm ca-certificates || die "apt-get could not install nodejs and npm"
}

# Installs the packages of a package.json here: npm_packages NAME DIRECTORY
npm_packages() {
    node_js
    # The last file to be written: if it exists, the packages are complete.
    [ -e "$2/complete" ] && return 0
    say "installing ${2##*/}"
    rm -rf "$2"
    mkdir -p "$2"
    cp "$here/harness/$1"/package*.json "$2"
    (cd "$2" && npm ci --silent --ignore-scripts --no-audit --no-fund) ||
        die "npm could not install $1"
    : >"$2/complete"
}

# The harness looks there as well (tests/harness/src/programs.rs).
has_chromium() {
    { has_program chromium || has_program google-chrome || has_program chrome; } &&
        has_program chromedriver
}

install_chromium() {
    has_chromium && return 0
    command -v apt-get >/dev/null 2>&1 && may_become_root ||
        die "please install Chromium and its driver (Debian packages: chromium chromium-driver)"
    say "installing chromium and chromium-driver"
    # Pages are rendered with the installed fonts.
    apt_install chromium chromium-driver fonts-dejavu-core ||
        die "apt-get could not install chromium and chromium-driver"
    has_chromium || die "the programs chromium and chromedriver are still not found"
}

cargo_deny() {
    cargo deny --version >/dev/null 2>&1 && return 0
    say "installing cargo-deny $cargo_deny_version"
    cargo install --quiet --locked --version "$cargo_deny_version" cargo-deny
}

[ "$#" -gt 0 ] || set -- databases pgbouncer replication faketime strace curl documents schemathesis oidc-provider chromium page-checkers cargo-deny
for what in "$@"; do
    case $what in
    databases) databases ;;
    pgbouncer) without_service pgbouncer pgbouncer ;;
    replication) replication ;;
    faketime) faketime ;;
    strace) with_program strace strace ;;
    curl) with_program curl curl ;;
    documents) documents ;;
    schemathesis) schemathesis ;;
    oidc-provider) npm_packages oidc-provider "$oidc_provider" ;;
    chromium) install_chromium ;;
    page-checkers) npm_packages page-checkers "$page_checkers" ;;
    cargo-deny) cargo_deny ;;
    *) die "unknown argument '$what' (known: databases, pgbouncer, replication, faketime, strace, curl, documents, schemathesis, oidc-provider, chromium, page-checkers, cargo-deny)" ;;
    esac
done
