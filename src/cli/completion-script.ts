/** Each word arrives as `=word`: so none is taken for a flag, and the empty one is not lost. */
const bash = `_vitrine() {
  local IFS=$'\\n' current="\${COMP_WORDS[COMP_CWORD]}"
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(compgen -W "$(vitrine __complete --words "\${words[@]/#/=}" 2>/dev/null)" -- "$current"))
}
complete -o default -F _vitrine vitrine
`

const zsh = `#compdef vitrine
_vitrine() {
  local -a typed found
  typed=("\${words[@]:1:$((CURRENT - 1))}")
  found=("\${(@f)$(vitrine __complete --words "\${typed[@]/#/=}" 2>/dev/null)}")
  [[ -n "\${found[1]}" ]] && compadd -- "\${found[@]}" || _files
}
compdef _vitrine vitrine
`

/** The script that makes a shell ask \`vitrine __complete\` at each tab. */
export function completionScript(shell: 'bash' | 'zsh'): string {
  return shell === 'bash' ? bash : zsh
}
