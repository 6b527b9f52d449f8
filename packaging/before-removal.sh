#!/bin/sh
# Runs before the programs go away; not when they are only replaced by another version. It changes nothing: what Prokura wrote into
# the settings of agent programs can be taken back by the person alone, whose keyring opens the way back.
set -e

case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac

# Named where something is connected: the person, and the programs. What they can be taken back with is kept under "wiring:PROGRAM",
# in the field "receipt", which stands right after it in the file.
connected=""
for home in /root /home/*; do
  database="$home/.local/share/prokura/prokura.db"
  [ -f "$database" ] || continue
  programs=$(cat "$database" "$database-wal" 2>/dev/null | grep -a -o 'wiring:[a-z][a-z0-9-]*receipt' | sort -u | sed 's/^wiring://; s/receipt$//' | tr '\n' ' ') || true
  [ -z "$programs" ] || connected="$connected
  ${home##*/}: $programs"
done

if [ -n "$connected" ]; then
  cat <<END
Agent programs may still be connected to Prokura, and will not find it any more:
$connected
To take that back, install prokura again; then each person, with Prokura running:
  prokura wire list
  prokura wire undo PROGRAM
and remove it after that. Without Prokura: delete the entry "prokura" from the MCP
servers in that program's settings.
END
fi
echo "Data folders (~/.local/share/prokura) stay; delete them by hand once you need no sign-in and no log any more."
