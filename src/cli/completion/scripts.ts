/** Each of these asks `lorchestra complete` which words could stand there. A shell offers names of files where there are none. */

export const bashScript = (bin: string): string => `#!/usr/bin/env bash
_${bin}_complete()
{
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
}
complete -o bashdefault -o default -F _${bin}_complete ${bin}
`

export const zshScript = (bin: string): string => `#compdef ${bin}
_${bin}() {
  local -a found
  found=(\${(f)"$(${bin} complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)"})
  if (( $#found )); then
    compadd -a found
  else
    _files
  fi
}
_${bin} "$@"
`

/** An empty word would be lost on the way (before PowerShell 7.3 everywhere), and so would a bare --. */
export const powershellScript = (
  bin: string,
): string => `Register-ArgumentCompleter -Native -CommandName ${bin} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object {
      if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
  $asked = if ($wordToComplete -eq '') { @('--new-word', '--') + $before } else { @('--') + $before + @($wordToComplete) }
  $program = $commandAst.GetCommandName()
  & $program complete @asked 2> $null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`

export const fishScript = (bin: string): string => `complete --command ${bin} --erase
complete --command ${bin} --no-files --arguments '(${bin} complete -- (commandline --tokenize --current-process --cut-at-cursor)[2..] (commandline --current-token) 2> /dev/null)'
complete --command ${bin} --long-option config --require-parameter --force-files
complete --command ${bin} --long-option out --require-parameter --force-files
`
