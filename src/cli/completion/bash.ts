import type {Interfaces} from '@oclif/core'

const FUNCTION = '_lorchestra_with_job_names'

/** The completion script of bash, made to complete names of jobs: oclif's knows commands and flags alone. */
export function withJobNamesInBash(script: string, commandLine: Interfaces.Config): string {
  return script.includes(FUNCTION) ? script : script + functionFor(commandLine)
}

function functionFor({commands, bin}: Interfaces.Config): string {
  const takingJobs = commands.filter(({args}) => 'job' in args)
  const ids = [...new Set(takingJobs.flatMap(({id, aliases}) => [id, ...aliases]))].toSorted()
  const options = takingJobs.flatMap(({flags}) =>
    Object.entries(flags).flatMap(([name, {type}]) => (type === 'option' ? [`--${name}`] : [])),
  )
  const values = [...new Set(options)].filter((name) => name !== '--config').toSorted()
  const first = (words: number): string =>
    ids
      .map((id) => id.split(':'))
      .filter((id) => id.length === words)
      .map((id) => (words === 1 ? `'${id.join(' ')} '*` : `'${id.join(' ')}'`))
      .join(' | ')
  return `
${FUNCTION}()
{
  local current="\${COMP_WORDS[COMP_CWORD]}" first index config=() IFS=$' \\t\\n'
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]-}" in
    ${first(2)}) first=3 ;;
    ${first(1)}) first=2 ;;
    *) first=$((COMP_CWORD + 1)) ;;
  esac
  if ((COMP_CWORD < first)); then
    _${bin}_autocomplete
    return
  fi
  if [[ "$current" == -* ]]; then
    # oclif's function knows flags right after the command.
    local COMP_WORDS=("\${COMP_WORDS[@]:0:first}" "$current") COMP_CWORD=$first
    _${bin}_autocomplete
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
    --config)
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    ${values.join(' | ')}) return ;;
  esac
  for ((index = first; index < COMP_CWORD; index++)); do
    [[ "\${COMP_WORDS[index]}" == --config ]] && config=(--config "\${COMP_WORDS[index + 1]}")
  done
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" jobs names "\${config[@]}" 2> /dev/null)" -- "$current"))
}
complete -o bashdefault -F ${FUNCTION} ${bin}
`
}
