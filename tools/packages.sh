# SPDX-License-Identifier: MIT
# Installs Debian packages by name when they are missing. Read with `.` by the
# scripts beside it; defines functions and runs nothing.

# Prints those of the given packages that dpkg does not list as installed.
missing_packages() {
  for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=
    [ "$state" = installed ] || printf '%s ' "$package"
  done
}

# Runs a command as root: directly, or through sudo where there is one.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Says what could not be installed and why.
cannot_install() {
  reason=$1
  shift
  printf '\nerror: these packages are missing: %s\n' "$*" >&2
  printf '       %s\n' "$reason" >&2
  printf '       Install them as root, then run this command again:\n' >&2
  printf '           apt-get update && apt-get install --no-install-recommends %s\n' "$*" >&2
}

# Runs apt-get quietly; shows its output only when it fails.
quiet_apt() {
  apt_log=$(mktemp) || return 1
  if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$apt_log" 2>&1 </dev/null; then
    rm -f "$apt_log"
    return 0
  fi
  tail -n 15 "$apt_log" >&2
  rm -f "$apt_log"
  return 1
}

# Installs the missing ones of the given packages; fails with a clear message.
need_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "  this is not a Debian system: taking for granted that what follows is installed:"
    echo "  $*"
    return 0
  fi
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    echo "  nothing to install"
    return 0
  fi
  # Word splitting is meant: names of packages have no spaces.
  # shellcheck disable=SC2086
  set -- $missing
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    cannot_install "You are not root and there is no sudo." "$@"
    return 1
  fi
  echo "  installing: $*"
  # A fresh machine has no package lists, and old lists name files that are gone.
  if ! quiet_apt install --no-install-recommends "$@" 2>/dev/null; then
    if ! quiet_apt update || ! quiet_apt install --no-install-recommends "$@"; then
      cannot_install "apt-get failed (see above)." "$@"
      return 1
    fi
  fi
}

# Installs what it can of the given packages: what is missing in the end only
# makes tests skip. Never fails.
want_packages() {
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086
  set -- $missing
  need_packages "$@" && return 0
  echo "  trying them one by one; tests of what cannot be installed are skipped"
  for package in "$@"; do
    quiet_apt install --no-install-recommends "$package" 2>/dev/null || echo "  not installed: $package"
  done
  return 0
}
