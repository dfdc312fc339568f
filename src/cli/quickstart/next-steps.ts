import type { Access } from '../profile.ts'
import { type Terminal, toned } from '../terminal.ts'

type Facts = {
  readonly access: Access
  readonly folder: string
  readonly stays?: boolean
  readonly out: Terminal
  readonly names: { readonly group: string; readonly gallery: string; readonly definition: string }
}

/** What `npm start` serves when it is told nothing else. */
const standing = { base: 'https://127.0.0.1:8443', folder: './data', ca: './data/tls/ca.pem' }

/** How to go on: with the command, with az and with Azure's SDK. No secret is shown, only where it lies. */
export function nextSteps(facts: Facts): string {
  const { access, out } = facts
  const { base, folder } =
    facts.stays === true ? { base: access.base, folder: facts.folder } : standing
  const ca = facts.stays === true ? (access.caFile ?? 'ca.pem') : `${standing.folder}/tls/ca.pem`
  const head = (text: string) => `\n${toned(out, 'bold', text)}\n`
  const lines = (...texts: readonly string[]) => texts.map((text) => `  ${text}\n`).join('')
  return [
    head('Go on with the vitrine command'),
    ...(facts.stays === true ? [] : [lines('npm start')]),
    lines(`npx vitrine login --data ${folder}`, ...commandLines(facts)),
    head('Point the Azure CLI at it'),
    lines(`eval "$(npx vitrine az-setup --data ${folder} --apply)"`, 'az sig list -o table'),
    head(`Point Azure's SDK at it (NODE_EXTRA_CA_CERTS=${ca})`),
    lines(...sdkLines(access, { base, folder })),
  ].join('')
}

function commandLines({ stays, names }: Facts): readonly string[] {
  if (stays !== true)
    return [
      'npx vitrine group create -n images -l westeurope',
      'npx vitrine gallery create -g images -r mine',
      'npx vitrine image-version create -g images -r mine -i linux -e 1.0.0 --from my.qcow2 \\',
      '    --create-definition me:linux:server --os-type Linux',
      'npx vitrine --help',
    ]
  const of = `-g ${names.group} -r ${names.gallery} -i ${names.definition}`
  return [
    `npx vitrine image-version list ${of}`,
    `npx vitrine image-version download ${of} -e latest -l eastus --file latest.raw`,
  ]
}

type Place = { readonly base: string; readonly folder: string }

function sdkLines(access: Access, { base, folder }: Place): readonly string[] {
  return [
    "import { readFileSync } from 'node:fs'",
    "import { ComputeManagementClient } from '@azure/arm-compute'",
    "import { ClientSecretCredential } from '@azure/identity'",
    `const { tenantId, clientId, clientSecret } = JSON.parse(readFileSync('${folder}/owner.json', 'utf8'))`,
    'const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {',
    `  authorityHost: '${base}', disableInstanceDiscovery: true })`,
    `const compute = new ComputeManagementClient(credential, '${access.subscriptionId}', {`,
    `  endpoint: '${base}', credentials: { scopes: ['${base}/.default'] } })`,
    'for await (const gallery of compute.galleries.list()) console.log(gallery.name)',
  ]
}
