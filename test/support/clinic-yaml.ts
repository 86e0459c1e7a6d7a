import type {EntraServer} from './entra-server.ts'

export interface Clinic {
  /** Of the Dataverse environment. */
  readonly url: string
  readonly entra: Pick<EntraServer, 'url' | 'tenantId' | 'clientId'>
}

/** An account of lorchestra.yaml; `clinicEnv` is what it refers to. */
export const clinicAccount = ({url, entra}: Clinic): string => `  clinic:
    source: dataverse
    url: ${url}
    authority: ${entra.url}
    tenant_id: ${entra.tenantId}
    client_id: ${entra.clientId}
    client_secret: \${CLINIC_CLIENT_SECRET}
`

export interface ClinicJobs extends Clinic {
  /** By default beside the file. */
  readonly database?: string
  /** Their options, in YAML's own words. */
  readonly jobs: Readonly<Record<string, string>>
}

/** A whole lorchestra.yaml. */
export const clinicYaml = ({database = 'lorchestra.duckdb', jobs, ...clinic}: ClinicJobs): string => `
warehouse: {type: duckdb, path: ${database}}
accounts:
${clinicAccount(clinic)}jobs:
${Object.entries(jobs)
  .map(([name, options]) => `  ${name}: {account: clinic, ${options}}\n`)
  .join('')}`

export const clinicEnv = ({certificate, clientSecret}: Pick<EntraServer, 'certificate' | 'clientSecret'>) => ({
  NODE_EXTRA_CA_CERTS: certificate,
  CLINIC_CLIENT_SECRET: clientSecret,
})
