import { join } from 'node:path'
import { debianCure } from './debian-cure.ts'

/** The name under which az knows an installation. */
export const cloudName = 'Vitrine'

/** One thing to do, printed as a line of a shell or performed. */
export type Step =
  | { readonly is: 'folder'; readonly path: string }
  /** One file behind the other. */
  | { readonly is: 'join'; readonly files: readonly string[]; readonly to: string }
  | { readonly is: 'write'; readonly file: string; readonly text: string }
  /** Away with it, whether it is there or not. */
  | { readonly is: 'remove'; readonly path: string }
  | Exported
  | Unset
  | AzCall

/** In the shell alone. */
export type Unset = { readonly is: 'unset'; readonly name: string }

export type Exported = {
  readonly is: 'export'
  readonly name: string
  readonly value: string
  /** Goes before what the shell has there already. */
  readonly isPath?: boolean
}

export type AzCall = {
  readonly is: 'az'
  readonly args: readonly string[]
  /** Done when `args` were refused: what is there already is changed. */
  readonly otherwise?: readonly string[]
  /** A JSON file whose `clientSecret` az reads from its standard input, where no list of processes shows it. */
  readonly secretFile?: string
  /** az tells the person something while it waits. */
  readonly talks?: boolean
}

/** Who works with az: an application, whose secret lies in a file, or a person with a browser. */
export type AzLogin = { readonly tenantId: string | undefined } & (
  | { readonly as: 'application'; readonly clientId: string; readonly secretFile: string }
  | { readonly as: 'person' }
)

export type AzSetup = {
  /** Where az keeps this login (AZURE_CONFIG_DIR). */
  readonly folder: string
  /** What `az cloud register` takes. */
  readonly cloud: unknown
  /** PEM of what az is to trust; none where the system's own authorities will do. */
  readonly caFiles: readonly string[]
  readonly login: AzLogin
  /** The subscription that commands work in; '' where there is none yet, undefined where az chooses. */
  readonly subscriptionId: string | undefined
  /** Mends what Debian's package breaks. */
  readonly isDebian: boolean
}

const ownFiles = (folder: string) => ({
  ca: join(folder, 'vitrine-ca.pem'),
  cloud: join(folder, 'vitrine-cloud.json'),
  env: join(folder, 'vitrine-env.sh'),
  python: join(folder, 'vitrine-python'),
})

/** The variables that every shell needs in which az speaks to the installation. */
export function exportsOf({ folder, caFiles, isDebian }: AzSetup): readonly Exported[] {
  const { ca, python } = ownFiles(folder)
  const named = (name: string, value: string) => ({ is: 'export', name, value }) as const
  return [
    named('AZURE_CONFIG_DIR', folder),
    ...(caFiles.length === 0 ? [] : [named('REQUESTS_CA_BUNDLE', ca)]),
    ...(isDebian ? [{ ...named('PYTHONPATH', python), isPath: true }] : []),
  ]
}

/** What `exportsOf` names, each with the file that is there when a shell may have it. */
export function exportedBy(folder: string): readonly { name: string; file: string }[] {
  const { ca, cloud, python } = ownFiles(folder)
  return [
    { name: 'AZURE_CONFIG_DIR', file: cloud },
    { name: 'REQUESTS_CA_BUNDLE', file: ca },
    { name: 'PYTHONPATH', file: python },
  ]
}

/** Where the exports are kept, for the shells to come. */
export const envFileOf = (folder: string): string => ownFiles(folder).env

/** All that makes az work with an installation, in its order; done twice it is as done once. */
export function setUpSteps(setup: AzSetup): readonly Step[] {
  const { folder, caFiles } = setup
  const files = ownFiles(folder)
  const cloud = ['-n', cloudName, '--cloud-config', `@${files.cloud}`]
  return [
    { is: 'folder', path: folder },
    ...(caFiles.length === 0 ? [] : [{ is: 'join', files: caFiles, to: files.ca } as const]),
    { is: 'write', file: files.cloud, text: `${JSON.stringify(setup.cloud, null, 2)}\n` },
    ...cureSteps(setup),
    ...exportsOf(setup),
    {
      is: 'az',
      args: ['cloud', 'register', ...cloud],
      otherwise: ['cloud', 'update', ...cloud],
    },
    { is: 'az', args: ['cloud', 'set', '-n', cloudName] },
    ...loginSteps(setup),
  ]
}

function cureSteps({ folder, isDebian }: AzSetup): readonly Step[] {
  const { python } = ownFiles(folder)
  if (!isDebian) return []
  return [
    { is: 'folder', path: python },
    { is: 'write', file: join(python, 'sitecustomize.py'), text: debianCure },
  ]
}

function loginSteps({ login, subscriptionId }: AzSetup): readonly Step[] {
  const tenant = login.tenantId === undefined ? [] : ['--tenant', login.tenantId]
  const none = subscriptionId === '' ? ['--allow-no-subscriptions'] : []
  if (login.as === 'person') {
    const args = ['login', '--use-device-code', ...tenant, ...none, '-o', 'none']
    return [{ is: 'az', args, talks: true }]
  }
  const who = ['login', '--service-principal', '-u', login.clientId, '-p', '@-']
  const { secretFile } = login
  return [
    { is: 'az', args: [...who, ...tenant, ...none, '-o', 'none'], secretFile },
    ...(subscriptionId
      ? [{ is: 'az', args: ['account', 'set', '-s', subscriptionId] } as const]
      : []),
  ]
}

type There = {
  readonly folder: string
  /** It holds nothing else: all of it goes. */
  readonly isOwn: boolean
  /** Who is logged in there to the installation. */
  readonly users: readonly string[]
  /** The names of what `exportsOf` told the shells. */
  readonly exported: readonly string[]
}

/** Takes away what `setUpSteps` made: logins, cloud, files, and what the shell got. */
export function removeSteps(there: There): readonly Step[] {
  const unset = there.exported.map((name) => ({ is: 'unset', name }) as const)
  return [...removeFiles(there), ...unset]
}

function removeFiles({ folder, isOwn, users }: There): readonly Step[] {
  if (isOwn) return [{ is: 'remove', path: folder }]
  return [
    { is: 'export', name: 'AZURE_CONFIG_DIR', value: folder },
    ...users.map((user) => ({ is: 'az', args: ['logout', '--username', user] }) as const),
    { is: 'az', args: ['cloud', 'set', '-n', 'AzureCloud'] },
    { is: 'az', args: ['cloud', 'unregister', '-n', cloudName] },
    ...Object.values(ownFiles(folder)).map((path) => ({ is: 'remove', path }) as const),
  ]
}
