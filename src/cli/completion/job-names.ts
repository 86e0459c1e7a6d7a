import type {Command, Interfaces} from '@oclif/core'

const BASH_FUNCTION = '_lorchestra_with_job_names'
const ZSH_FUNCTION = '_lorchestra_job_names'
const FILE_NAMES_IN_ZSH = '"*: :_files"'

/** Makes the completion script of bash complete names of jobs: oclif's knows commands and flags alone. */
export function withJobNamesInBash(script: string, commandLine: Interfaces.Config): string {
  return script.includes(BASH_FUNCTION) ? script : script + bashFunctionFor(commandLine)
}

/** Makes the completion script of zsh complete names of jobs where oclif's completes names of files. */
export function withJobNamesInZsh(script: string, {commands, bin}: Interfaces.Config): string {
  if (script.includes(ZSH_FUNCTION)) return script
  return idsOf(commands.filter(takesJobs))
    .reduce(completeJobsOf(bin), script)
    .replace('\n', `\n${zshFunctionFor(bin)}`)
}

const takesJobs = ({args}: Command.Loadable): boolean => 'job' in args

const idsOf = (commands: readonly Command.Loadable[]): readonly string[] => [
  ...new Set(commands.flatMap(({id, aliases}) => [id, ...aliases])),
]

function bashFunctionFor({commands, bin}: Interfaces.Config): string {
  const takingJobs = commands.filter(takesJobs)
  const ids = idsOf(takingJobs).toSorted()
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
${BASH_FUNCTION}()
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
complete -o bashdefault -F ${BASH_FUNCTION} ${bin}
`
}

const completeJobsOf =
  (bin: string) =>
  (script: string, id: string): string => {
    const [topic, command] = id.split(':')
    const heading =
      command === undefined ? `^${topic}\\)` : `^_${bin}_${topic}\\(\\) \\{(?:(?!^\\})[^])*?^ *"${command}"\\)`
    const block = new RegExp(`(${heading}(?:(?!;;)[^])*?)${FILE_NAMES_IN_ZSH.replace('*', String.raw`\*`)}`, 'm')
    return script.replace(block, `$1"*: :${ZSH_FUNCTION}"`)
  }

const zshFunctionFor = (bin: string): string => `
${ZSH_FUNCTION}() {
  local at=\${words[(i)--config]}
  local -a config names
  (( at < $#words )) && config=(--config "\${words[at + 1]}")
  names=(\${(f)"$(${bin} jobs names $config 2> /dev/null)"})
  compadd -a names
}
`
