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
function __mailorigin_complete
    set -l command (__mailorigin_command)
    __mailorigin_help $command |
        string replace --filter --regex '^  ((?:--)?[a-z-]+)(?: \S+)*?(?:  +(\S.*))?$' '$1'\t'$2'
    if __mailorigin_help $command | string match --quiet '  VHOST*'
        command mailorigin policy 2>/dev/null | string match --regex --groups-only '^([a-z0-9.*-]\S*:\d+) '
    end
end
complete --command mailorigin --no-files --arguments '(__mailorigin_complete)'
complete --command mailorigin --long-option runtime-dir --require-parameter --arguments '(__fish_complete_directories)'
