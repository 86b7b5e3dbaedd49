# Supervises one database server, in whose directory it is. Started as
#
#   sh supervisor.sh SIGNAL
#
# where SIGNAL ends the server at once. prepare.sh creates its files, serve.sh
# becomes the server. The test process holds standard input open and reads from
# standard output: "started PID", "ended STATUS".
#
# When standard input ends (the test process has ended for any reason), the
# server is ended by its process ID and the directory removed. Nothing else ends
# this script: neither other signals nor a closed standard output.
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
        # A server that is just starting may miss the first signal.
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
