import type {EntraServer} from './entra-server.ts'

export interface Clinic {
  /** Of the Dataverse environment. */
  readonly url: string
  readonly entra: Pick<EntraServer, 'url' | 'tenantId' | 'clientId'>
  /** By default beside the file. */
  readonly database?: string
  /** In YAML's own words, each on a line of its own; without `account: clinic`. */
  readonly jobs: Readonly<Record<string, string>>
}

/** A lorchestra.yaml whose jobs read one Dataverse account; `clinicEnv` is what it refers to. */
export const clinicYaml = ({url, entra, database = 'lorchestra.duckdb', jobs}: Clinic): string => `
warehouse: {type: duckdb, path: ${database}}
accounts:
  clinic:
    source: dataverse
    url: ${url}
    authority: ${entra.url}
    tenant_id: ${entra.tenantId}
    client_id: ${entra.clientId}
    client_secret: \${CLINIC_CLIENT_SECRET}
jobs:
${Object.entries(jobs)
  .map(([name, options]) => `  ${name}: {account: clinic, ${options}}\n`)
  .join('')}`

export const clinicEnv = ({certificate, clientSecret}: Pick<EntraServer, 'certificate' | 'clientSecret'>) => ({
  NODE_EXTRA_CA_CERTS: certificate,
  CLINIC_CLIENT_SECRET: clientSecret,
})
