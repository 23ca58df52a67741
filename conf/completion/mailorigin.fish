# Completion of mailorigin(8) for fish: what --help lists.
function __mailorigin_help
    command mailorigin $argv --help 2>/dev/null | string match --invert '  mailorigin *'
end
function __mailorigin_command
    set -l known (__mailorigin_help | string match --regex --groups-only '^  ([a-z]+)(?: .*)?$')
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..]
        contains -- $word $known; and echo $word; and return
    end
    return 1
end
function __mailorigin_vhosts
    command mailorigin policy 2>/dev/null | string match --regex --groups-only '^([a-z0-9.*-]\S*:\d+) '
end
function __mailorigin_sites
    __mailorigin_vhosts | string replace --regex ':\d+$' '' | sort --unique
end
# __mailorigin_values COMMAND PLACEHOLDER TEXT: what may stand for it; TEXT is what --help says of it.
function __mailorigin_values
    set -l list (string replace --regex ':.*' '' -- $argv[3])
    if string match --quiet --regex '^[a-z-]+(, [a-z-]+)+$' -- $list
        string split ', ' -- $list
        return
    end
    set -l current (commandline --current-token --cut-at-cursor)
    switch $argv[2]
        case FILE PATH SOCKET WHAT
            __fish_complete_path $current
        case DIR
            __fish_complete_directories $current
        case VHOST
            __mailorigin_vhosts
        case SITE
            __mailorigin_sites
        case WHOM
            if test "$argv[1]" = unblock
                command mailorigin blocks 2>/dev/null | string match --regex --groups-only '^  ([a-z]+:\S+)'
            else if string match --quiet 'script:*' -- $current
                printf 'script:%s\n' (__fish_complete_path (string replace script: '' -- $current))
            else
                printf '%s\n' script: user: client: site:(__mailorigin_sites)
            end
    end
end
function __mailorigin_complete
    set -l command (__mailorigin_command)
    set -l help (__mailorigin_help $command)
    set -l previous (commandline --tokenize --cut-at-cursor --current-process)[-1]
    set -l taken (printf '%s\n' $help | string match --regex --groups-only -- '^  '(string escape --style=regex -- $previous)' ([A-Z]+) +(\S.*)')
    if string match --quiet -- '--*' $previous; and test (count $taken) = 2
        __mailorigin_values "$command" $taken
        return
    end
    # Before a command, these as well.
    set -l word (test -n "$command"; and echo '--[a-z-]+'; or echo '(?:--)?[a-z-]+')
    printf '%s\n' $help | string replace --filter --regex '^  ('$word')(?: \S+)*?(?:  +(\S.*))?$' '$1'\t'$2'
    test -n "$command"; or return
    string match --quiet -- '-*' (commandline --current-token --cut-at-cursor); and return
    for entry in (printf '%s\n' $help | string match --regex '^  [A-Z]+ +\S.*')
        __mailorigin_values $command (string match --regex --groups-only '^  ([A-Z]+) +(\S.*)' $entry)
    end
end
complete --command mailorigin --no-files --arguments '(__mailorigin_complete)'
