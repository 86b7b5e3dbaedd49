# Creates a directory for a test process, and cleans up after it. Started as
#
#   sh -c SCRIPT janitor DIRECTORY
#
# The test process writes to standard input, waits for a line of standard
# output ("made"), and writes "watch PID" and "forget PID". When standard input
# ends (the test process has ended for any reason), the watched processes are
# killed with their children, and the directory is removed. Because it is
# created here, it cannot be left over at any moment.
trap '' HUP INT TERM PIPE
directory=$1
# Like /tmp: other accounts create and remove directories of their own inside.
mkdir -m 1733 "$directory" && cd "$directory" || exit 1
echo made
exec >/dev/null
watched=
while read -r verb pid; do
    rest=
    for other in $watched; do
        [ "$other" = "$pid" ] || rest="$rest $other"
    done
    watched=$rest
    [ "$verb" = forget ] || watched="$watched $pid"
done
# Kills the watched processes with all their descendants. Each is stopped before
# its children are listed, so that it cannot start more of them.
stopped=
while [ -n "$watched" ]; do
    # shellcheck disable=SC2086 # a list of words
    set -- $watched
    pid=$1
    shift
    watched=$*
    kill -s STOP "$pid" 2>/dev/null || continue
    stopped="$stopped $pid"
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        # PID (NAME) STATE PARENT …, where the name may contain anything.
        parent=${line##*) }
        parent=${parent#* }
        [ "${parent%% *}" != "$pid" ] || watched="$watched ${line%% *}"
    done
done
for pid in $stopped; do
    kill -s KILL "$pid" 2>/dev/null
done
cd /
# Unmount file systems inside first: they must not be emptied.
while read -r _ place _; do
    case $place in
    "$directory"/*) umount -l "$place" ;;
    esac
done </proc/mounts 2>/dev/null
tries=0
# Database servers have supervisors, which remove their directories when the
# server has ended.
while [ "$tries" -lt 50 ] && ls -d "$directory"/server-* >/dev/null 2>&1; do
    tries=$((tries + 1))
    sleep 0.1
done
tries=0
# A process that is being killed may still write for a moment.
until rm -rf "$directory" 2>/dev/null || [ "$tries" -eq 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
# So may one that ends because another one has (Chromium's crash handler).
sleep 0.3
rm -rf "$directory"
