#!/bin/sh
# Takes out of an image's root what only builds need. Runs in a stage of its own, whose files are
# then copied into an empty image: what is deleted here is in no layer of the result.
#
# Works on Debian (Python's own images, or debootstrap) and on Alpine (nginx). The lists of installed
# packages stay, because scanners read them; they no longer name what is gone.
set -eu

if command -v dpkg >/dev/null; then
  # Essential to a machine that is kept for years. This one is replaced.
  unwanted='apt|libapt-pkg.*|debconf|perl-base|python3-pip-whl|python3-setuptools-whl'
  unwanted="$unwanted|(python3(\.[0-9]+)?-(venv|distutils|lib2to3))|gcc-.*-base-dev"
  dpkg-query --show --showformat='${Package}\n' | grep -Ex "$unwanted" |
    xargs -r dpkg --purge --force-all 2>/dev/null
  rm -f /usr/bin/dpkg* /usr/sbin/dpkg*
  rm -rf /etc/apt /var/lib/apt /var/cache/apt /var/cache/debconf /usr/share/keyrings
fi
if command -v apk >/dev/null; then
  # The package that carries apk cannot remove itself in full; its database stays for scanners.
  rm -rf /sbin/apk /usr/bin/apk /etc/apk/keys /var/cache/apk/* /usr/share/apk
fi

# Who installs packages with Python, in each of the places where bases have it.
for home in /usr/local/lib/python3* /usr/lib/python3*; do
  for packages in "$home/site-packages" "$home/dist-packages"; do
    rm -rf "$packages"/pip "$packages"/pip-* "$packages"/setuptools "$packages"/setuptools-* \
      "$packages"/wheel "$packages"/wheel-* "$packages"/_distutils_hack "$packages"/pkg_resources
  done
  rm -rf "$home/ensurepip"
done
rm -rf /usr/share/python-wheels /root/.cache
rm -f /usr/local/bin/pip* /usr/local/bin/wheel /usr/bin/pip*

# Nobody here becomes somebody else.
find / -xdev -type f -perm /6000 -exec chmod a-s {} +

# Licences stay.
find /usr/share/doc -type f ! -name copyright -delete 2>/dev/null || true
rm -rf /usr/share/man /usr/share/info /usr/share/locale /var/cache/* /var/log/* /tmp/* /run/*
