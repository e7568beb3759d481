# SPDX-License-Identifier: MIT
# Completion of luna in bash. What there is to complete is read from `luna --help` and
# `luna VERB --help`, so that every verb and option of the luna that is installed is known.
# shellcheck shell=bash

_luna_ask() {
  command "${COMP_WORDS[0]/#\~/$HOME}" "$@" 2>/dev/null </dev/null
}

# Takes those of the words that begin as the word at the cursor. By hand, for compgen would expand
# them, and names of processes are what others say.
_luna_offer() {
  local word
  for word; do
    [[ $word != "$current"* ]] || COMPREPLY+=("$word")
  done
}

_luna_offer_files() {
  compopt -o filenames 2>/dev/null
  local file
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen "$1" -- "$current")
}

# Numbers of processes, and names of programs that the shell takes as they are.
_luna_offer_processes() {
  local number unit name words=()
  while read -r number _ _ unit _ name _; do
    [[ $number =~ ^[0-9]+$ && $unit =~ B$ ]] || continue
    words+=("$number")
    [[ ! $name =~ ^[A-Za-z][A-Za-z0-9._+-]*$ ]] || words+=("$name")
  done < <(_luna_ask ps)
  _luna_offer "${words[@]}"
}

_luna_offer_controls() {
  local name words=()
  while read -r name _; do words+=("$name"); done < <(_luna_ask ctl "$1" --timeout 2)
  _luna_offer "${words[@]}"
}

# Fills names[], values[] and positionals[] from the help of a verb. A value is empty for a flag,
# else its type: {a,b} for a choice, DIR, FILE, TEXT or a kind of number.
_luna_read_help() {
  local line part=
  names=() values=() positionals=()
  while IFS= read -r line; do
    [[ -n $line ]] || part=
    [[ ! $line =~ ^(Options|Positionals): ]] || part=${BASH_REMATCH[1]}
    if [[ $part == Options && $line =~ ^\ \ (-[^\ ]+)(\ ([A-Z][A-Z]+)(:([^\ =]*))?([\ =].*)?)?(\ \ .*)?$ ]]; then
      names+=("${BASH_REMATCH[1]}")
      values+=("${BASH_REMATCH[5]:-${BASH_REMATCH[3]}}")
    elif [[ $part == Positionals && $line =~ ^\ \ ([^\ ]+)\ [A-Z] ]]; then
      positionals+=("${BASH_REMATCH[1]}")
    fi
  done <<<"$1"
}

# Sets `value` to the type of what follows an option; fails if nothing does.
_luna_find_value() {
  local i
  for i in "${!names[@]}"; do
    [[ ,${names[i]}, == *",$1,"* ]] || continue
    value=${values[i]}
    [[ -n $value ]]
    return
  done
  return 1
}

_luna_offer_value() {
  case $1 in
    "{"*) IFS=, read -ra words <<<"${1//[\{\}]/}" && _luna_offer "${words[@]}" ;;
    DIR) _luna_offer_files -d ;;
    FILE | TEXT) _luna_offer_files -f ;;
  esac
}

# The positional argument at the cursor: its number, and of which process it is.
# Verbs that take files in the place of a process have an example of it.
_luna_offer_positional() {
  local last=$((${#positionals[@]} - 1))
  ((last >= 0)) || return
  case ${positionals[$1 < last ? $1 : last]} in
    PID | pid)
      _luna_offer_processes
      [[ $help != *"# a file"* && $current != */* ]] || _luna_offer_files -f
      ;;
    KEY* | request) _luna_offer_controls "$2" ;;
    COMMAND*) ;;
    *) _luna_offer_files -f ;;
  esac
}

# Behind the verb: `place` is the number of the positional argument at the cursor, `first` the first
# such argument, `before` the option whose value the cursor is at.
_luna_complete_verb() {
  local names values positionals value words place=0 first='' before='' i word help
  help=$(_luna_ask "${COMP_WORDS[1]}" --help) || return
  _luna_read_help "$help"
  for ((i = 2; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == = ]]; then
      continue
    elif [[ -n $before ]]; then
      before=
    elif [[ ${positionals[0]} == COMMAND* && $word != -?* || $word == -- ]]; then
      [[ $word != -- ]] || ((++i))
      declare -F _command_offset >/dev/null && _command_offset "$i"
      return
    elif [[ $word == -?* ]]; then
      ! _luna_find_value "$word" || before=$word
    else
      [[ ${COMP_WORDS[i - 1]} == [:=] || $word == : ]] || first=${first:-$word} place=$((place + 1))
    fi
  done
  if [[ -n $before ]]; then
    _luna_find_value "$before" && _luna_offer_value "$value"
  elif [[ $current == -* ]]; then
    _luna_offer ${names[*]//,/ }
  elif [[ ${positionals[0]} == COMMAND* ]]; then
    _luna_offer_files -c
  elif [[ ${COMP_WORDS[COMP_CWORD]} != [:=] && ${COMP_WORDS[COMP_CWORD - 1]} != [:=] ]]; then
    _luna_offer_positional "$place" "$first"
  fi
}

_luna() {
  local current=${COMP_WORDS[COMP_CWORD]}
  [[ $current != = ]] || current=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    local verbs
    verbs=$(_luna_ask --help | sed -n '/^Subcommands:/,$ s/^  \([a-z][a-z-]*\) .*/\1/p')
    _luna_offer $verbs --help --version
  else
    _luna_complete_verb
  fi
}

complete -F _luna luna
