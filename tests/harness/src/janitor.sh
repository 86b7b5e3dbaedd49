# Makes a directory for a test process, and cleans up after it. Started as
#
#   sh -c SCRIPT janitor DIRECTORY
#
# Whoever started it holds the other end of standard input, waits for a line of
# standard output ("made"), and writes "watch PID" and "forget PID". When
# standard input ends (the test process has ended, however), the watched
# processes are killed with their children, and the directory is removed. Because it is made here,
# there is no moment at which it could be left.
trap '' HUP INT TERM PIPE
directory=$1
# As /tmp is: other accounts have, and remove, directories of their own inside.
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
# The watched processes end with their children, and these with theirs. Each is
# stopped before its children are looked for, so that it has no more of them.
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
        # PID (NAME) STATE PARENT …, where the name may hold anything.
        parent=${line##*) }
        parent=${parent#* }
        [ "${parent%% *}" != "$pid" ] || watched="$watched ${line%% *}"
    done
done
for pid in $stopped; do
    kill -s KILL "$pid" 2>/dev/null
done
cd /
# File systems that were mounted inside go first: they are not to be emptied,
# but to be forgotten.
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
# A process that is being killed may write for a moment yet.
until rm -rf "$directory" 2>/dev/null || [ "$tries" -eq 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
# And one that ends because another has (Chromium's for its crashes).
sleep 0.3
rm -rf "$directory"
