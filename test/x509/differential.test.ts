/**
 * Our strict DER decoders beside two that share no code with them: pkijs (BER, in TypeScript) and OpenSSL by way
 * of node:crypto. Each reads a certificate, CRL or OCSP response into facts; facts of one name have to be equal.
 */
import { X509Certificate } from 'node:crypto';
import { BaseStringBlock, BitString, fromBER, Integer, OctetString } from 'asn1js';
import * as pkijs from 'pkijs';
import { expect, it } from 'vitest';
import { hex } from '../../packages/ssl/src/values/hex.js';
import {
  Certificate,
  CertificateError,
  type Extension,
  isKnownExtension,
  type KnownExtensions,
} from '../../packages/ssl/src/values/x509/certificate.js';
import { RevocationList } from '../../packages/ssl/src/values/x509/crl.js';
import { DerError, DerReader, Tag } from '../../packages/ssl/src/values/x509/der.js';
import type { DistributionPoint } from '../../packages/ssl/src/values/x509/extensions/distribution-points.js';
import type { GeneralName } from '../../packages/ssl/src/values/x509/extensions/general-name.js';
import { KeyUsageBit } from '../../packages/ssl/src/values/x509/extensions/key-usage.js';
import type { Name } from '../../packages/ssl/src/values/x509/name.js';
import { decodeOcspResponse } from '../../packages/ssl/src/values/x509/ocsp.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { describeWithData, report } from '../support/report.js';
import { allOf, type MaterialKind, suites } from './material.js';

type Facts = Readonly<Record<string, string>>;
type Reader = (der: Uint8Array) => Facts | 'refused';

/** Where readers differ on purpose: the pattern fits `<file> <reader> <fact>`. Unneeded entries fail. */
const explained: readonly { readonly where: RegExp; readonly why: string }[] = [
  {
    where:
      /^pkits (BadSignedCACert|InvalidDSASignatureTest6EE|BadCRLSignatureCACRL) \S+ accepted: false here/,
    why: 'a damaged signature that is no string of whole octets, as every signature is (RFC 5280 §4.1.1.3)',
  },
  {
    where: /^custom\/invalid_version.pem \S+ accepted: false here/,
    why: 'RFC 5280 §4.1.2.1: versions 1 to 3',
  },
  {
    where: /both-null #1 pkijs extension 2.5.29.30: refused here/,
    why: 'RFC 5280 §4.2.1.10: name constraints are not empty',
  },
  {
    where: /^(rfc5280::eku::ee-eku-empty #0|custom\/empty-eku.pem) openssl extension 2.5.29.37: refused here/,
    why: 'RFC 5280 §4.2.1.12: at least one purpose',
  },
  {
    where: /^custom\/two_basic_constraints.pem openssl ca: true here/,
    why: 'OpenSSL counts the certificate as invalid at once; here the first is decoded, and path.ts refuses two',
  },
  { where: /^san_x400address.der pkijs extension 2.5.29.17: 3:/, why: 'pkijs does not read x400Address' },
  {
    where: /^custom\/crl_idp_only_ca.pem pkijs idp: relative/,
    why: 'pkijs drops a name relative to the issuer, and the flags after it',
  },
  {
    where: /^custom\/crl_inval_cert_issuer_entry_ext.pem pkijs accepted: false here/,
    why: 'an entry whose certificateIssuer is no GeneralNames, which pkijs leaves unread',
  },
  {
    where: /^custom\/crl_unsupported_reason.pem pkijs accepted: false here/,
    why: 'RFC 5280 §5.3.1 has no such reason; pkijs leaves the code unread',
  },
];

describeWithData('decoders agree with pkijs and OpenSSL', Object.values(suites), () => {
  const used = new Set<RegExp>();
  compare('certificate', ours, { pkijs: byPkijs, openssl: byOpenSsl });
  compare('crl', ourList, { pkijs: listByPkijs });
  compare('ocsp-response', ourAnswer, { pkijs: answerByPkijs });

  it('differs nowhere else than is explained', () => {
    expect(explained.filter(({ where }) => !used.has(where)).map(String)).toEqual([]);
  });

  function compare(kind: MaterialKind, own: Reader, others: Readonly<Record<string, Reader>>): void {
    for (const [other, read] of Object.entries(others)) {
      it(`on every ${kind}: ${other}`, () => {
        const counts = { read: 0, facts: 0, explained: 0, different: 0 };
        const different: string[] = [];
        for (const { der, name } of allOf(kind)) {
          if (other === 'pkijs' && der.length > MAX_FOR_PKIJS) continue;
          counts.read++;
          for (const fact of differences(own(der), read(der), counts)) {
            const place = `${name} ${other} ${fact}`;
            const reason = explained.find(({ where }) => where.test(place));
            if (reason !== undefined) {
              used.add(reason.where);
              counts.explained++;
            } else different.push(place);
          }
        }
        counts.different = different.length;
        report(`differential_${kind}_${other}`, counts);
        expect(different).toEqual([]);
        expect(counts.facts).toBeGreaterThan(counts.read);
      }, 60_000);
    }
  }
});

function* differences(
  own: Facts | 'refused',
  other: Facts | 'refused',
  counts: { facts: number },
): Generator<string> {
  if (own === 'refused' || other === 'refused') {
    if (own !== other) yield `accepted: ${own !== 'refused'} here, ${other !== 'refused'} there`;
    return;
  }
  for (const [fact, value] of Object.entries(own)) {
    const there = other[fact];
    if (there === undefined) continue;
    counts.facts++;
    if (there !== value) yield `${fact}: ${value.slice(0, 120)} here, ${there.slice(0, 120)} there`;
  }
}

// ── Ours ────────────────────────────────────────────────────────────────────────────────────────────────

function ours(der: Uint8Array): Facts | 'refused' {
  return unless(CertificateError, () => {
    const certificate = new Certificate(der);
    const facts: Record<string, string> = {
      version: String(certificate.version),
      serial: certificate.serialHex,
      issuer: nameText(certificate.issuer),
      subject: nameText(certificate.subject),
      notBefore: timeText(certificate.notBefore),
      notAfter: timeText(certificate.notAfter),
      spki: hex(certificate.spki),
      key: keyText(certificate.spki),
      signature: hex(certificate.signature),
      extensions: certificate.extensions.map(extensionText).join(' '),
    };
    for (const { oid } of certificate.extensions) {
      if (!isKnownExtension(oid)) continue;
      const text = unless(CertificateError, () => {
        certificate.decode(oid);
        return projections[oid]?.(certificate) ?? '';
      });
      facts[`extension ${oid}`] = text;
    }
    const mayCertify =
      certificate.keyUsage === undefined || (certificate.keyUsage & KeyUsageBit.keyCertSign) !== 0;
    facts['ca'] = String(certificate.isCa && mayCertify);
    facts['names'] = unless(CertificateError, () => dnsText(certificate.subjectAltName ?? []));
    for (const side of ['issuer', 'subject'] as const) {
      if (facts[side] === 'refused') continue;
      for (const [type, key] of Object.entries(openSslNames)) {
        const values = certificate[side].valuesOf(type).map(({ text }) => text ?? '?');
        if (values.length > 0) facts[`${side} ${key}`] = values.join('|');
      }
    }
    return facts;
  });
}

const projections: { readonly [K in keyof KnownExtensions]?: (certificate: Certificate) => string } = {
  [Oid.basicConstraints]: ({ basicConstraints: value }) => `${value?.ca} ${value?.pathLength}`,
  [Oid.keyUsage]: ({ keyUsage }) => String(keyUsage),
  [Oid.extKeyUsage]: (certificate) => (certificate.decode(Oid.extKeyUsage) ?? []).join(' '),
  [Oid.subjectAltName]: ({ subjectAltName }) => namesText(subjectAltName ?? []),
  [Oid.issuerAltName]: (certificate) => namesText(certificate.decode(Oid.issuerAltName) ?? []),
  [Oid.nameConstraints]: (certificate) => {
    const { excluded, permitted } = certificate.decode(Oid.nameConstraints) ?? {
      excluded: [],
      permitted: [],
    };
    return `${namesText(permitted)} but ${namesText(excluded)}`;
  },
  [Oid.certificatePolicies]: (certificate) => (certificate.decode(Oid.certificatePolicies) ?? []).join(' '),
  [Oid.policyMappings]: (certificate) =>
    (certificate.decode(Oid.policyMappings) ?? [])
      .map(({ issuerDomain, subjectDomain }) => `${issuerDomain}>${subjectDomain}`)
      .join(' '),
  [Oid.policyConstraints]: (certificate) => {
    const value = certificate.decode(Oid.policyConstraints);
    return `${value?.requireExplicitPolicy} ${value?.inhibitPolicyMapping}`;
  },
  [Oid.inhibitAnyPolicy]: (certificate) => String(certificate.decode(Oid.inhibitAnyPolicy)),
  [Oid.authorityKeyIdentifier]: (certificate) => {
    const value = certificate.decode(Oid.authorityKeyIdentifier);
    return authorityText(value?.keyIdentifier, value?.issuer && namesText(value.issuer), value?.serial);
  },
  [Oid.subjectKeyIdentifier]: (certificate) =>
    hex(certificate.decode(Oid.subjectKeyIdentifier) ?? new Uint8Array()),
  [Oid.crlDistributionPoints]: (certificate) => pointsText(certificate.decode(Oid.crlDistributionPoints)),
  [Oid.freshestCrl]: (certificate) => pointsText(certificate.decode(Oid.freshestCrl)),
  [Oid.authorityInfoAccess]: (certificate) =>
    (certificate.decode(Oid.authorityInfoAccess) ?? [])
      .map(({ location, method }) => `${method} ${generalName(location)}`)
      .join(' '),
};

function ourList(der: Uint8Array): Facts | 'refused' {
  return unless(CertificateError, () => {
    const list = new RevocationList(der);
    const entries = [...list.entries()];
    const found = entries.map(({ serial }) => [...list.findAll(serial)][0]?.reason ?? 'absent');
    const { issuingDistributionPoint: idp } = list;
    const text: Record<string, string> = {
      issuer: nameText(list.issuer),
      thisUpdate: timeText(list.thisUpdate),
      nextUpdate: String(list.nextUpdate && timeText(list.nextUpdate)),
      signature: hex(list.signature),
      extensions: list.extensions.map(extensionText).join(' '),
      entries: entries.map(({ reason, serial }) => `${hex(serial)} ${reason}`).join(' '),
      found: entries.map(({ serial }, at) => `${hex(serial)} ${found[at]}`).join(' '),
      number: String(list.crlNumber),
      base: String(list.baseCrlNumber),
    };
    if (idp !== undefined)
      text['idp'] =
        `${pointText(idp.distributionPoint)} ${idp.onlyContainsUserCerts} ${idp.onlyContainsCACerts} ${idp.indirectCRL} ${idp.onlyContainsAttributeCerts}`;
    return text;
  });
}

function ourAnswer(der: Uint8Array): Facts | 'refused' {
  const decoded = decodeOcspResponse(der);
  if ('error' in decoded) return 'refused';
  const { certificates, data, extensions, responder, responses, signature } = decoded.ok;
  return {
    data: hex(data),
    signature: hex(signature),
    responder: 'byName' in responder ? nameText(responder.byName) : hex(responder.byKey),
    certificates: certificates.map(({ serialHex }) => serialHex).join(' '),
    extensions: extensions.map(extensionText).join(' '),
    responses: responses
      .map(({ issuerKeyHash, issuerNameHash, nextUpdate, serial, status, thisUpdate }) => {
        const until = nextUpdate === undefined ? '' : timeText(nextUpdate);
        const said = typeof status === 'string' ? status : 'revoked';
        return `${hex(serial)} ${hex(issuerNameHash)} ${hex(issuerKeyHash)} ${said} ${timeText(thisUpdate)} ${until}`;
      })
      .join('; '),
  };
}

// ── pkijs ───────────────────────────────────────────────────────────────────────────────────────────────

/** bytes; pkijs takes 5 s for 2,000 name constraints (limbo's nc-dos) */
const MAX_FOR_PKIJS = 50_000;
const limits = { maxNodes: 100_000 };

function byPkijs(der: Uint8Array): Facts | 'refused' {
  return unless(Error, () => {
    const certificate = new pkijs.Certificate({ schema: parse(der) });
    const { extensions = [], subjectPublicKeyInfo: spki } = certificate;
    const facts: Record<string, string> = {
      version: String(certificate.version + 1),
      serial: octets(certificate.serialNumber),
      issuer: rdnText(certificate.issuer),
      subject: rdnText(certificate.subject),
      notBefore: timeText(certificate.notBefore.value.getTime()),
      notAfter: timeText(certificate.notAfter.value.getTime()),
      key: `${spki.algorithm.algorithmId} ${octets(spki.subjectPublicKey)}`,
      signature: octets(certificate.signatureValue),
      extensions: extensions.map(extensionByPkijs).join(' '),
    };
    for (const { extnID, parsedValue } of extensions)
      facts[`extension ${extnID}`] ??= parsedText(parsedValue);
    return facts;
  });
}

function parsedText(value: unknown): string {
  if (value === undefined || (value instanceof Object && 'parsingError' in value)) return 'refused';
  if (value instanceof BitString) return String(bitsOf(value));
  if (value instanceof OctetString) return octets(value);
  if (value instanceof Integer) return String(value.toBigInt());
  if (value instanceof pkijs.BasicConstraints) return `${value.cA} ${numberOf(value.pathLenConstraint)}`;
  if (value instanceof pkijs.ExtKeyUsage) return value.keyPurposes.join(' ');
  if (value instanceof pkijs.AltName) return value.altNames.map(generalNameByPkijs).join(',');
  if (value instanceof pkijs.NameConstraints) {
    const bases = (trees: readonly pkijs.GeneralSubtree[] = []): string =>
      trees.map(({ base }) => generalNameByPkijs(base)).join(',');
    return `${bases(value.permittedSubtrees)} but ${bases(value.excludedSubtrees)}`;
  }
  if (value instanceof pkijs.CertificatePolicies)
    return value.certificatePolicies.map(({ policyIdentifier }) => policyIdentifier).join(' ');
  if (value instanceof pkijs.PolicyMappings)
    return value.mappings
      .map(({ issuerDomainPolicy, subjectDomainPolicy }) => `${issuerDomainPolicy}>${subjectDomainPolicy}`)
      .join(' ');
  if (value instanceof pkijs.PolicyConstraints)
    return `${value.requireExplicitPolicy} ${value.inhibitPolicyMapping}`;
  if (value instanceof pkijs.AuthorityKeyIdentifier) {
    const { authorityCertIssuer, authorityCertSerialNumber: serial, keyIdentifier } = value;
    return authorityText(
      keyIdentifier?.valueBlock.valueHexView,
      authorityCertIssuer?.map(generalNameByPkijs).join(','),
      serial?.valueBlock.valueHexView,
    );
  }
  if (value instanceof pkijs.CRLDistributionPoints)
    return value.distributionPoints.map((point) => pointByPkijs(point.distributionPoint)).join('; ');
  if (value instanceof pkijs.InfoAccess)
    return value.accessDescriptions
      .map(({ accessLocation, accessMethod }) => `${accessMethod} ${generalNameByPkijs(accessLocation)}`)
      .join(' ');
  return '';
}

function pointByPkijs(name: pkijs.DistributionPointName | undefined): string {
  if (name === undefined) return 'none';
  if (Array.isArray(name)) return name.map(generalNameByPkijs).join(',');
  return name instanceof pkijs.RelativeDistinguishedNames ? `relative ${rdnText(name)}` : '?';
}

function generalNameByPkijs({ type, value }: pkijs.GeneralName): string {
  const content: unknown = value;
  if (typeof content === 'string') return `${type}:${content}`;
  if (content instanceof pkijs.RelativeDistinguishedNames) return `${type}:${rdnText(content)}`;
  return content instanceof OctetString ? `${type}:${octets(content)}` : `${type}:`;
}

function rdnText({ typesAndValues }: pkijs.RelativeDistinguishedNames): string {
  return typesAndValues
    .map(({ type, value }) => {
      const node: unknown = value;
      return node instanceof BaseStringBlock
        ? `${type}=${node.getValue()}`
        : `${type}=#${hex(value.valueBeforeDecodeView)}`;
    })
    .join('|');
}

function extensionByPkijs({ critical, extnID, extnValue }: pkijs.Extension): string {
  return `${extnID}${critical ? '!' : ''}${octets(extnValue)}`;
}

function listByPkijs(der: Uint8Array): Facts | 'refused' {
  return unless(Error, () => {
    const list = new pkijs.CertificateRevocationList({ schema: parse(der) });
    const extensions = list.crlExtensions?.extensions ?? [];
    const entries = (list.revokedCertificates ?? [])
      .map(({ crlEntryExtensions, userCertificate }) => {
        const reason = crlEntryExtensions?.extensions.find(
          ({ extnID }) => extnID === Oid.crlReason,
        )?.extnValue;
        const code = reason?.valueBlock.valueHexView[2] ?? 0;
        return `${octets(userCertificate)} ${reasons[code]}`;
      })
      .join(' ');
    const numberIn = (oid: string): string => {
      const value: unknown = extensions.find(({ extnID }) => extnID === oid)?.parsedValue;
      return value instanceof Integer ? String(value.toBigInt()) : 'undefined';
    };
    const facts: Record<string, string> = {
      issuer: rdnText(list.issuer),
      thisUpdate: timeText(list.thisUpdate.value.getTime()),
      nextUpdate: String(list.nextUpdate && timeText(list.nextUpdate.value.getTime())),
      signature: octets(list.signatureValue),
      extensions: extensions.map(extensionByPkijs).join(' '),
      entries,
      found: entries,
      number: numberIn(Oid.crlNumber),
      base: numberIn(Oid.deltaCrlIndicator),
    };
    const idp: unknown = extensions.find(
      ({ extnID }) => extnID === Oid.issuingDistributionPoint,
    )?.parsedValue;
    if (idp instanceof pkijs.IssuingDistributionPoint)
      facts['idp'] =
        `${pointByPkijs(idp.distributionPoint)} ${idp.onlyContainsUserCerts} ${idp.onlyContainsCACerts} ${idp.indirectCRL} ${idp.onlyContainsAttributeCerts}`;
    return facts;
  });
}

/** CRLReason (RFC 5280 §5.3.1). */
const reasons: readonly string[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'none',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

function answerByPkijs(der: Uint8Array): Facts | 'refused' {
  return unless(Error, () => {
    const { responseBytes } = new pkijs.OCSPResponse({ schema: parse(der) });
    if (responseBytes === undefined) return 'refused';
    const basic = new pkijs.BasicOCSPResponse({
      schema: parse(responseBytes.response.valueBlock.valueHexView),
    });
    const { responderID, responseExtensions = [], responses } = basic.tbsResponseData;
    const responder: unknown = responderID;
    return {
      data: hex(basic.tbsResponseData.tbsView),
      signature: octets(basic.signature),
      responder:
        responder instanceof pkijs.RelativeDistinguishedNames
          ? rdnText(responder)
          : responder instanceof OctetString
            ? octets(responder)
            : '?',
      certificates: (basic.certs ?? []).map(({ serialNumber }) => octets(serialNumber)).join(' '),
      extensions: responseExtensions.map(extensionByPkijs).join(' '),
      responses: responses
        .map(({ certID, certStatus, nextUpdate, thisUpdate }) => {
          const status = ['good', 'revoked', 'unknown'][certStatus.idBlock.tagNumber];
          const until = nextUpdate === undefined ? '' : timeText(nextUpdate.getTime());
          return `${octets(certID.serialNumber)} ${octets(certID.issuerNameHash)} ${octets(certID.issuerKeyHash)} ${status} ${timeText(thisUpdate.getTime())} ${until}`;
        })
        .join('; '),
    };
  });
}

function parse(der: Uint8Array): ReturnType<typeof fromBER>['result'] {
  const { offset, result } = fromBER(new Uint8Array(der), limits);
  if (offset !== der.length) throw new Error('not one value');
  return result;
}

function octets(node: { readonly valueBlock: { readonly valueHexView: Uint8Array } }): string {
  return hex(node.valueBlock.valueHexView);
}

function numberOf(value: number | Integer | undefined): string {
  return value instanceof Integer ? String(value.toBigInt()) : String(value);
}

function bitsOf({ valueBlock }: BitString): number {
  let bits = 0;
  for (const [at, octet] of valueBlock.valueHexView.entries())
    for (let bit = 0; bit < 8; bit++) if ((octet & (0x80 >> bit)) !== 0) bits |= 1 << (at * 8 + bit);
  return bits;
}

// ── OpenSSL, by node:crypto ─────────────────────────────────────────────────────────────────────────────

/** Attribute types by OpenSSL's short names. */
const openSslNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.46': 'dnQualifier',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

function byOpenSsl(der: Uint8Array): Facts | 'refused' {
  return unless(Error, () => {
    const certificate = new X509Certificate(der);
    const legacy = certificate.toLegacyObject();
    const facts: Record<string, string> = {
      serial: serialOctets(certificate.serialNumber),
      notBefore: timeText(Date.parse(certificate.validFrom)),
      notAfter: timeText(Date.parse(certificate.validTo)),
      ca: String(certificate.ca),
    };
    if (certificate.subjectAltName)
      facts['names'] = certificate.subjectAltName
        .split(', ')
        .filter((name) => name.startsWith('DNS:'))
        .join(',');
    if (certificate.keyUsage !== undefined)
      facts[`extension ${Oid.extKeyUsage}`] = certificate.keyUsage.join(' ');
    for (const side of ['issuer', 'subject'] as const)
      for (const [key, value] of Object.entries(legacy[side] ?? {}))
        facts[`${side} ${key}`] = Array.isArray(value) ? value.join('|') : String(value);
    const spki = unless(Error, () =>
      certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
    );
    return spki === 'refused' ? facts : { ...facts, spki };
  });
}

/** The two's complement that OpenSSL prints as a number. */
function serialOctets(number: string): string {
  const size = BigInt(`0x${number.replace('-', '')}`);
  const value = number.startsWith('-') ? -size : size;
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  return BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0');
}

// ── Shapes that facts are told in ───────────────────────────────────────────────────────────────────────

function unless<T>(kind: new (...args: never[]) => Error, read: () => T): T | 'refused' {
  try {
    return read();
  } catch (error) {
    if (error instanceof kind) return 'refused';
    throw error;
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Names are decoded when asked for, and refuse then. */
function nameText(name: Name): string {
  return unless(DerError, () =>
    name.rdns
      .flat()
      .map(({ raw, text, type }) => `${type}=${text ?? `#${hex(raw)}`}`)
      .join('|'),
  );
}

function keyText(der: Uint8Array): string {
  const spki = new DerReader(der).open(Tag.sequence);
  return `${spki.open(Tag.sequence).oid()} ${hex(spki.octetsOfBitString())}`;
}

function extensionText({ critical, oid, value }: Extension): string {
  return `${oid}${critical ? '!' : ''}${hex(value)}`;
}

function namesText(names: readonly GeneralName[]): string {
  return names.map(generalName).join(',');
}

function dnsText(names: readonly GeneralName[]): string {
  return names.flatMap((name) => (name.type === 'dNSName' ? [`DNS:${name.text}`] : [])).join(',');
}

/** The tag's number, and what both sides tell. */
function generalName(name: GeneralName): string {
  switch (name.type) {
    case 'otherName':
      return '0:';
    case 'rfc822Name':
      return `1:${name.text}`;
    case 'dNSName':
      return `2:${name.text}`;
    case 'x400Address':
      return '3:';
    case 'directoryName':
      return `4:${nameText(name.name)}`;
    case 'ediPartyName':
      return '5:';
    case 'uniformResourceIdentifier':
      return `6:${name.text}`;
    case 'iPAddress':
      return `7:${hex(name.address)}`;
    case 'registeredID':
      return `8:${name.oid}`;
  }
}

function pointsText(points: readonly DistributionPoint[] = []): string {
  return points.map(({ distributionPoint }) => pointText(distributionPoint)).join('; ');
}

function pointText(point: DistributionPoint['distributionPoint']): string {
  if (point === undefined) return 'none';
  return 'fullName' in point
    ? namesText(point.fullName)
    : `relative ${point.nameRelativeToCRLIssuer.map(({ text, type }) => `${type}=${text}`).join('|')}`;
}

function authorityText(
  key: Uint8Array | undefined,
  issuer: string | undefined,
  serial: Uint8Array | undefined,
): string {
  return `${key && hex(key)} ${issuer} ${serial && hex(serial)}`;
}
