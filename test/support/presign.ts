import { createHash, createHmac } from 'node:crypto'

/** An S3 URL that whoever has it may GET for some seconds (AWS Signature Version 4, in the query). */
export function presigned(
  place: { readonly endpoint: string; readonly bucket: string; readonly key: string },
  keys: { readonly id: string; readonly secret: string },
  { seconds, now }: { readonly seconds: number; readonly now: Date },
): string {
  const url = new URL(`${place.endpoint}/${place.bucket}/${place.key}`)
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`
  const query = [
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${keys.id}/${scope}`],
    ['X-Amz-Date', time],
    ['X-Amz-Expires', String(seconds)],
    ['X-Amz-SignedHeaders', 'host'],
  ]
    .map(([name, value = '']) => `${name}=${encodeURIComponent(value)}`)
    .join('&')
  const asked = `GET\n${url.pathname}\n${query}\nhost:${url.host}\n\nhost\nUNSIGNED-PAYLOAD`
  const hash = createHash('sha256').update(asked).digest('hex')
  const hmac = (key: string | Buffer, text: string) =>
    createHmac('sha256', key).update(text).digest()
  const [day = '', region = '', service = '', end = ''] = scope.split('/')
  const key = hmac(hmac(hmac(hmac(`AWS4${keys.secret}`, day), region), service), end)
  const signature = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`)
    .digest('hex')
  return `${url}?${query}&X-Amz-Signature=${signature}`
}
