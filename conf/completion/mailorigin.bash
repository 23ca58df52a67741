# Completion of mailorigin(8) for bash. What there is to complete is what --help lists, so that it needs no
# change when a command or an option is added.
_mailorigin() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word help
	local program=${COMP_WORDS[0]}
	COMPREPLY=()
	if [[ $previous == --runtime-dir ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
	fi
	help=$("$program" --help 2>/dev/null)
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ -z $command && $help == *$'\n'"  $word "* && $word != -* ]] && command=$word
	done
	if [[ -z $command ]]; then
		word=$(sed -nE 's/^  (--[a-z-]+|[a-z]+)( .*)?$/\1/p' <<<"${help%%Example:*}")
	else
		help=$("$program" "$command" --help 2>/dev/null)
		word=$(sed -nE 's/^  (--[a-z-]+)( .*)?$/\1/p' <<<"$help")
		[[ $help != *$'\n  VHOST'* ]] || word+=$'\n'$("$program" policy 2>/dev/null | sed -nE '2,/^$/s/^([^ ]+) .*/\1/p')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$word --help" -- "$current")
}
complete -F _mailorigin mailorigin
