import { valueAt } from '../../resources/paths.ts'
import type { Asked } from './asked.ts'
import { xmlAnswer } from './xml.ts'

/** What an account can, for clients that ask before they begin: azcopy does. */
export function accountInfo({ account }: Asked): Response {
  return new Response(null, {
    status: 200,
    headers: {
      'x-ms-sku-name': String(valueAt(account.doc, 'sku.name') ?? 'Standard_LRS'),
      'x-ms-account-kind': String(valueAt(account.doc, 'kind') ?? 'StorageV2'),
      'x-ms-is-hns-enabled': 'false',
    },
  })
}

const off = '<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>'
const noMetrics = `<Version>1.0</Version><Enabled>false</Enabled>${off}`

/** Nothing of it is on. */
export function serviceProperties(): Response {
  return xmlAnswer(
    '<StorageServiceProperties>' +
      `<Logging><Version>1.0</Version><Delete>false</Delete><Read>false</Read><Write>false</Write>${off}</Logging>` +
      `<HourMetrics>${noMetrics}</HourMetrics><MinuteMetrics>${noMetrics}</MinuteMetrics>` +
      '<Cors /><DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>' +
      '<StaticWebsite><Enabled>false</Enabled></StaticWebsite></StorageServiceProperties>',
  )
}
