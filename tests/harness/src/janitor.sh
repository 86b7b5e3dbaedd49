# Cleans up after a test process, in whose temporary directory it lies. Started
# in that directory; whoever started it holds the other end of standard input,
# and writes "watch PID" and "forget PID". When standard input ends (the test
# process has ended, however), the watched processes are killed and the
# directory is removed.
trap '' HUP INT TERM
directory=$(pwd)
watched=
while read -r verb pid; do
    rest=
    for other in $watched; do
        [ "$other" = "$pid" ] || rest="$rest $other"
    done
    watched=$rest
    [ "$verb" = forget ] || watched="$watched $pid"
done
for pid in $watched; do
    kill -s KILL "$pid" 2>/dev/null
done
cd /
tries=0
# A process that is being killed may write for a moment yet.
until rm -rf "$directory" 2>/dev/null || [ "$tries" -eq 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
