# Completion of mailorigin(8) for bash. What there is to complete is what --help lists, so that it needs no
# change when a command or an option is added.

# _mailorigin_names PROGRAM: the virtual hosts, by what each is called in front of its port, and with it.
_mailorigin_names() { "$1" policy 2>/dev/null | sed -nE '2,/^$/s/^([^ ]+:[0-9]+) .*/\1/p'; }

# _mailorigin_values PROGRAM COMMAND CURRENT PLACEHOLDER TEXT: what may stand for PLACEHOLDER; TEXT is what --help says
# of it.
_mailorigin_values() {
	local words='' list="${5%%:*}"
	case $4 in
	*) [[ ! $list =~ ^[a-z-]+(, [a-z-]+)+$ ]] || words=${list//,/} ;;&
	FILE | PATH | SOCKET | WHAT)
		[[ -n $words ]] || compgen -f -- "$3"
		;;
	DIR) compgen -d -- "$3" ;;
	VHOST) words=$(_mailorigin_names "$1") ;;
	SITE) words=$(_mailorigin_names "$1" | sed 's/:[0-9]*$//' | sort -u) ;;
	WHOM)
		if [[ $2 == unblock ]]; then
			words=$("$1" blocks 2>/dev/null | sed -nE 's/^  ([a-z]+:[^ ]+).*/\1/p')
		elif [[ $3 == script:* ]]; then
			compgen -f -P script: -- "${3#script:}"
		else
			words="script: user: client: $(_mailorigin_names "$1" | sed -E 's/(.*):[0-9]*$/site:\1/' | sort -u)"
		fi
		;;
	esac
	compgen -W "$words" -- "$3"
}

_mailorigin() {
	local program=${COMP_WORDS[0]} line=${COMP_LINE:0:COMP_POINT} command='' word help placeholder text
	local -a words
	# Readline's own words end at each colon.
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	local current=${words[-1]} previous=${words[-2]-}
	COMPREPLY=()
	help=$("$program" --help 2>/dev/null)
	for word in "${words[@]:1:${#words[@]}-2}"; do
		[[ -z $command && $help == *$'\n'"  $word "* && $word != -* ]] && command=$word
	done
	if [[ -z $command && $previous != --* ]]; then
		word=$(sed -nE 's/^  (--[a-z-]+|[a-z]+)( .*)?$/\1/p' <<<"${help%%Example:*}")
		mapfile -t COMPREPLY < <(compgen -W "$word --help" -- "$current")
		return
	fi
	# shellcheck disable=SC2086
	help=$("$program" $command --help 2>/dev/null)
	if [[ $previous == --* ]] && read -r placeholder text < <(sed -nE "s/^  $previous ([A-Z]+) +/\1 /p" <<<"$help"); then
		mapfile -t COMPREPLY < <(_mailorigin_values "$program" "$command" "$current" "$placeholder" "$text")
	else
		word=$(sed -nE 's/^  (--[a-z-]+)( .*)?$/\1/p' <<<"$help")
		mapfile -t COMPREPLY < <(
			compgen -W "$word --help" -- "$current"
			[[ $current == -* ]] || sed -nE 's/^  ([A-Z]+) +/\1 /p' <<<"${help%%Example:*}" |
				while read -r placeholder text; do
					_mailorigin_values "$program" "$command" "$current" "$placeholder" "$text"
				done
		)
	fi
	if [[ ${#COMPREPLY[@]} == 1 && ( -d ${COMPREPLY[0]} || ${COMPREPLY[0]} == *: ) ]]; then
		compopt -o nospace 2>/dev/null
		[[ ! -d ${COMPREPLY[0]} ]] || COMPREPLY[0]+=/
	fi
	# It puts them behind the last colon.
	word=${current%"${current##*:}"}
	[[ $COMP_WORDBREAKS != *:* ]] || COMPREPLY=("${COMPREPLY[@]#"$word"}")
}
complete -F _mailorigin mailorigin
