# Holds one database server, in whose directory it lies. Started as
#
#   sh supervisor.sh SIGNAL
#
# where SIGNAL ends the server at once. prepare.sh makes its files, serve.sh
# becomes the server. Whoever started this holds the other end of standard input
# and reads from standard output: "started PID", "ended STATUS".
#
# When standard input ends (its holder has ended, however), the server is ended
# by its process id and the directory removed. Nothing else ends this: neither
# other signals nor that nobody reads the reports any more.
trap '' HUP INT TERM PIPE
signal=$1
directory=$(pwd)
exec 3<&0 </dev/null 2>>log

if sh prepare.sh >>log 3<&-; then
    sh serve.sh >>log 3<&- &
    server=$!
    echo "started $server"
    (
        read -r _ <&3
        tries=0
        # A server that is just starting may not hear the first signal.
        while [ ! -e ended ] && kill -s "$signal" "$server" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -lt 100 ] || signal=KILL
            sleep 0.05
        done
    ) >/dev/null &
    wait "$server"
    status=$?
    : >ended
    echo "ended $status"
    wait
else
    echo "ended $?"
    read -r _ <&3
fi
cd /
rm -rf "$directory"
