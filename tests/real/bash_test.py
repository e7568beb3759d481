# SPDX-License-Identifier: MIT
"""bash: loops that fork all the time, pipes, background jobs, arrays; and dash."""
import support

WORK = r"""
set -u
declare -A count
for i in {1..300}; do
  word=$( (echo "word$((i % 37))") )
  count[$word]=$(( ${count[$word]:-0} + i ))
done
for key in $(printf '%s\n' "${!count[@]}" | sort); do echo "$key ${count[$key]}"; done

for i in {1..60}; do
  echo "$i $RANDOM" | while read -r n rest; do echo "$n"; done | { read -r x; echo "piped $x"; } | cat
done

for i in {1..40}; do ( list=(); for j in {1..200}; do list+=("$i-$j"); done
                       echo "${#list[@]} ${list[-1]}" > "job$i" ) & done
wait
cat $(ls job* | sort -V)

long=''
for i in {1..3000}; do long+="part $i,"; done
echo "${#long} ${long//part/PART}" | md5sum
IFS=, read -ra parts <<< "$long"
printf '%s\n' "${parts[@]}" | sort -r | md5sum
diff <(seq 500) <(seq 2 501)
fibonacci() { (( $1 < 2 )) && echo "$1" || echo $(( $(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))) )); }
fibonacci 9
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
trap 'echo trapped' USR1; kill -USR1 $$; exec 3>&-
[[ "2024-01-31" =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[2]}"
"""

PORTABLE = r"""
i=0
while [ $i -lt 200 ]; do i=$((i + 1)); x=$(echo $i | sed 's/1/one/g'); echo "$x"; done
"""


def scenario(stage):
    stage.write("work.sh", WORK)
    stage.write("portable.sh", PORTABLE)
    stage.check_maps_printed_by(["bash", "-c", 'while read -r line; do echo "$line"; done < /proc/self/maps'])

    return {"output": stage.command(["bash", "work.sh"]),
            "output of sh": stage.command(["sh", "portable.sh"])}


if __name__ == "__main__":
    support.main(scenario, {"bash": "bash"})
