import type {Interfaces} from '@oclif/core'

const FUNCTION = '_lorchestra_job_names'
const FILE_NAMES = '"*: :_files"'

/** The completion script of zsh, made to complete names of jobs where oclif's completes names of files. */
export function withJobNamesInZsh(script: string, {commands, bin}: Interfaces.Config): string {
  if (script.includes(FUNCTION)) return script
  const takingJobs = commands.filter(({args}) => 'job' in args)
  const ids = new Set(takingJobs.flatMap(({id, aliases}) => [id, ...aliases]))
  return [...ids].reduce(completeJobsOf(bin), script).replace('\n', `\n${functionFor(bin)}`)
}

const completeJobsOf =
  (bin: string) =>
  (script: string, id: string): string => {
    const [topic, command] = id.split(':')
    const heading =
      command === undefined ? `^${topic}\\)` : `^_${bin}_${topic}\\(\\) \\{(?:(?!^\\})[^])*?^ *"${command}"\\)`
    const block = new RegExp(`(${heading}(?:(?!;;)[^])*?)${FILE_NAMES.replace('*', String.raw`\*`)}`, 'm')
    return script.replace(block, `$1"*: :${FUNCTION}"`)
  }

const functionFor = (bin: string): string => `
${FUNCTION}() {
  local at=\${words[(i)--config]}
  local -a config names
  (( at < $#words )) && config=(--config "\${words[at + 1]}")
  names=(\${(f)"$(${bin} jobs names $config 2> /dev/null)"})
  compadd -a names
}
`
