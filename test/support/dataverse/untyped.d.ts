/** What server.ts uses of packages that bring no types. */
declare module '@sap/cds' {
  interface Service {
    on(event: string, handler: () => object): void
  }
  interface Served {
    from(model: object): Served
    in(app: object): Served
    with(implementation: (service: Service) => void): Promise<void>
  }
  const cds: {
    root: string
    readonly env: {
      log: {levels?: Record<string, string>}
      query: {limit?: object}
      readonly requires: Record<string, object>
    }
    model: object
    db: Service
    load(path: string): Promise<{readonly definitions: Record<string, Record<string, unknown>>}>
    readonly compile: {readonly for: {nodejs(model: object): object}}
    deploy(model: object): {to(service: 'db'): Promise<Service>}
    serve(what: 'all'): Served
  }
  export default cds
}

declare module 'express' {
  import type {RequestListener} from 'node:http'

  export default function express(): RequestListener
}

declare module 'oidc-provider' {
  import type {RequestListener} from 'node:http'

  export class Provider {
    constructor(issuer: string, configuration: object)
    callback(): RequestListener
  }
}
