import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type X12Interchange, X12Parser, type X12Segment } from 'node-x12';
import { FaultError } from '../../core/fault.ts';
import { csvCodec } from './csv.ts';
import type { Codec, ReceivedGroup, ShippingAdvice } from './messages.ts';
import { fixture, orderOf, partners, x12 } from './testing.ts';
import { readInterchange } from './x12/envelope.ts';
import { x12Codec } from './x12/index.ts';
import { xmlCodec } from './xml.ts';

const at = new Date('2026-11-25T16:30:00Z');

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof FaultError && error.fault.kind === 'rejected', String(error));
    return error.message;
  }
  throw new Error('it was taken');
}

const codecs = { csv: csvCodec, xml: xmlCodec, x12 } satisfies Record<string, Codec>;
const shipped = { csv: 'shipped-1.csv', xml: 'shipped-1.xml', x12: '945_shipped.x12' };

/** What another reader finds in an interchange: parties and usage, control numbers and counts of each envelope, and each set segment by segment. */
function readByAnother(text: string) {
  const { header, trailer, functionalGroups } = new X12Parser(true).parse(text) as X12Interchange;
  const elements = ({ tag, elements }: Pick<X12Segment, 'tag' | 'elements'>) => [
    tag,
    ...elements.map(({ value }) => value),
  ];
  const [, , , , , , sender, , receiver, , , , , control, , usage] = elements(header);
  const [, groups, end] = elements(trailer);
  return {
    ...{ sender: sender!.trim(), receiver: receiver!.trim(), usage, control: Number(control) },
    ...{ end: Number(end), counted: Number(groups) },
    groups: functionalGroups.map((group) => ({
      ...{ functional: elements(group.header)[1], control: elements(group.header)[6] },
      ...{ end: elements(group.trailer)[2], counted: Number(elements(group.trailer)[1]) },
      sets: group.transactions.map((set) => [set.header, ...set.segments, set.trailer].map(elements)),
    })),
  };
}

/** The same of our own reader, and the counts and numbers that the ends of its envelopes must have. */
function readByUs(name: string, text: string) {
  const { sender, receiver, usage, control, groups } = readInterchange(name, text);
  const number = Number(control);
  return {
    ...{ sender, receiver, usage, control: number, end: number, counted: groups.length },
    groups: groups.map((group) => ({
      ...{ functional: group.functional, control: group.control, end: group.control, counted: group.sets.length },
      sets: group.sets.map(({ segments }) => segments.map(({ elements }) => [...elements])),
    })),
  };
}

const interchanges = readdirSync(join(import.meta.dirname, 'fixtures')).filter((name) => name.endsWith('.x12'));

describe('another reader of X12', () => {
  for (const name of interchanges.filter((one) => one !== '945_miscounted.x12'))
    test(`finds in ${name} what ours does`, () => {
      assert.deepEqual(readByAnother(fixture(name)), readByUs(name, fixture(name)));
    });

  test('refuses the file whose set ours calls miscounted', () => {
    const text = fixture('945_miscounted.x12');
    assert.throws(() => new X12Parser(true).parse(text), /SE01 \(99\).*\(14\)/);
    assert.deepEqual(
      readInterchange('f', text).groups[0]!.sets.map(({ fault }) => fault?.code ?? null),
      ['4', null],
    );
  });
});

describe('what the warehouse is told', () => {
  for (const [name, codec] of Object.entries(codecs))
    test(`${name}: an order, its change and its cancellation are written as they always were`, () => {
      const write = (action: 'new' | 'change' | 'cancel') =>
        codec.writeOrder({ number: 12, action, at, order: orderOf(12) });
      assert.equal(write('new'), fixture(`order-12.${codec.extension}`));
      const lines = (text: string) => text.split('\n');
      const differing = (action: 'change' | 'cancel') =>
        lines(write(action)).filter((line, index) => line !== lines(write('new'))[index]);
      const changed = name === 'csv' ? 2 : 1;
      assert.deepEqual([differing('change').length, differing('cancel').length], [changed, changed]);
    });

  test('x12: text that would break a segment, or that partners cannot read, never leaves', () => {
    const order = orderOf(1, { location: 'A*B~C\nD', service: 'über>nacht' });
    const text = x12.writeOrder({ number: 1, action: 'new', at, order });
    assert.match(text, /N1\*WH\*\*92\*A B C D~/);
    assert.match(text, /W66\*PP\*M\*\*\*uber nacht~/);
    assert.doesNotMatch(text.replaceAll('\n', ''), /[^\x20-\x7e]/);
  });

  test('x12: numbers and codes are never changed on their way: what cannot be said is rejected with the field', () => {
    for (const [changes, field] of [
      [{ number: 'X'.repeat(23) }, 'number'],
      [{ number: 'WH*1' }, 'number'],
      [{ lines: [{ ...orderOf(1).lines[0]!, sku: 'Ä-1' }] }, 'lines.sku'],
      [{ lines: [{ ...orderOf(1).lines[0]!, quantity: '-1' }] }, 'lines.quantity'],
    ] as const)
      assert.throws(
        () => x12.checkOrder(orderOf(1, changes as never)),
        ({ fault }: FaultError) => fault.kind === 'rejected' && fault.field === field,
      );
  });

  test('x12: control numbers have nine digits and begin again after the last', () => {
    const isa = (number: number) => x12.writeOrder({ number, action: 'new', at, order: orderOf(1) }).slice(90, 99);
    assert.deepEqual([isa(1), isa(999_999_999), isa(1_000_000_000)], ['000000001', '999999999', '000000001']);
  });
});

describe('what the warehouse tells', () => {
  for (const [name, codec] of Object.entries(codecs))
    test(`${name}: shipping advices`, () => {
      const messages = codec.read('shipping-advice', 'f', fixture(shipped[name as keyof typeof shipped]));
      const advices = messages.filter((one): one is ShippingAdvice => one.kind === 'shipping-advice');
      const [first, second] = advices;
      assert.equal(advices.length, 2);
      assert.deepEqual(first!.lines, [
        { line: 1, sku: 'MUG-R', quantity: '2' },
        { line: 2, sku: 'TEE-M', quantity: '0' },
      ]);
      assert.deepEqual(
        [first!.shipment, first!.order, first!.carrier, first!.tracking],
        ['SH5001', 'WH/OUT/00012', 'UPSN', ['1Z999AA10123456784']],
      );
      assert.equal(first!.closes, name === 'x12' ? 'lines' : 'order');
      assert.deepEqual([second!.closes, second!.lines[0]!.quantity, second!.tracking], ['nothing', '3', []]);
      if (name !== 'x12') assert.equal(first!.shippedAt, '2026-11-26T08:00:00.000Z');
    });

  test('csv and xml: receipts, counts and acknowledgements', () => {
    const csv = (kind: 'receipt' | 'inventory' | 'acknowledgement', text: string) =>
      csvCodec.read(kind, 'f.csv', text.replaceAll('|', '\n'));
    assert.deepEqual(
      csv(
        'receipt',
        'receipt,reference,received_at,sku,quantity,condition|R1,PO1,2026-11-26T08:00:00Z,A,10,|R1,PO1,2026-11-26T08:00:00Z,B,2,torn|END,2',
      ),
      xmlCodec.read(
        'receipt',
        'f.xml',
        '<Receipts><Receipt receipt="R1" reference="PO1" receivedAt="2026-11-26T08:00:00Z"><Line sku="A" quantity="10"/><Line sku="B" quantity="2" condition="torn"/></Receipt></Receipts>',
      ),
    );
    assert.deepEqual(
      csv(
        'inventory',
        'report,as_of,sku,quantity,available|C1,2026-11-26T06:00:00Z,A,7,|C1,2026-11-26T06:00:00Z,B,9,8|END,2',
      ),
      xmlCodec.read(
        'inventory',
        'f.xml',
        '<Inventories><Inventory report="C1" asOf="2026-11-26T06:00:00Z"><Line sku="A" quantity="7"/><Line sku="B" quantity="9" available="8"/></Inventory></Inventories>',
      ),
    );
    const rejected = {
      kind: 'acknowledgement',
      to: 12,
      accepted: false,
      sentAt: null,
      problems: [{ where: 'sku', why: 'not ours' }],
    };
    assert.deepEqual(csv('acknowledgement', 'message,verdict,field,reason|12,rejected,sku,not ours|END,1'), [rejected]);
    assert.deepEqual(
      xmlCodec.read(
        'acknowledgement',
        'f.xml',
        '<Acknowledgements><Acknowledgement message="12" verdict="rejected"><Problem field="sku" reason="not ours"/></Acknowledgement></Acknowledgements>',
      ),
      [rejected],
    );
  });

  test('x12: receipts (944), counts (846) and acknowledgements (997)', () => {
    const [receipt] = x12.read('receipt', 'f', fixture('944_received.x12'));
    assert.deepEqual(receipt, {
      kind: 'receipt',
      receipt: 'RC900',
      reference: 'PO4711',
      receivedAt: '2026-11-26T00:00:00.000Z',
      sentAt: '2026-11-26T09:05:00.074Z',
      lines: [
        { sku: 'MUG-R', quantity: '10', condition: '2 in condition 01' },
        { sku: 'TEE-M', quantity: '4', condition: null },
      ],
    });
    const [count] = x12.read('inventory', 'f', fixture('846_stock.x12'));
    assert.deepEqual(count, {
      kind: 'inventory',
      report: 'CNT77',
      asOf: '2026-11-26T06:00:00.000Z',
      lines: [
        { sku: 'MUG-R', onHand: '20', available: '17' },
        { sku: 'TEE-M', onHand: '4', available: null },
      ],
    });
    const toTheSecond = fixture('846_stock.x12').replace(/(BIA(?:\*[^*~]*){4})\*\d{4}~/, '$1*060059~');
    assert.deepEqual(x12.read('inventory', 'f', toTheSecond)[0], { ...count, asOf: '2026-11-26T06:00:59.000Z' });
    const [yes] = x12.read('acknowledgement', 'f', fixture('997_accepted.x12'));
    const [no] = x12.read('acknowledgement', 'f', fixture('997_rejected.x12'));
    assert.deepEqual(yes, {
      kind: 'acknowledgement',
      to: 12,
      accepted: true,
      sentAt: '2026-11-26T09:05:00.076Z',
      problems: [],
    });
    assert.deepEqual(no, {
      kind: 'acknowledgement',
      to: 13,
      accepted: false,
      sentAt: '2026-11-26T09:05:00.077Z',
      problems: [
        { where: 'W01, segment 15', why: 'it has elements that are wrong' },
        { where: 'W01, segment 15, element 1', why: "it has a character that is not allowed ('2,5')" },
        { where: null, why: 'one or more of its segments are wrong' },
      ],
    });
  });

  for (const [name, codec] of Object.entries(codecs))
    test(`${name}: a file that was cut anywhere is never taken for a whole one`, () => {
      const whole = fixture(shipped[name as keyof typeof shipped]).trimEnd();
      for (let length = 0; length < whole.length; length++)
        assert.match(
          refusal(() => codec.read('shipping-advice', 'cut.edi', whole.slice(0, length))),
          /^cut\.edi/,
          `${length}`,
        );
    });
});

describe('what is wrong', () => {
  const group = (file: string) =>
    x12.read('shipping-advice', file, fixture(file)).find((one): one is ReceivedGroup => one.kind === 'group')!;

  test('x12: a set that counts wrong is refused with words, its neighbour is taken, and the warehouse hears both', () => {
    const file = '945_miscounted.x12';
    const messages = x12.read('shipping-advice', file, fixture(file));
    assert.deepEqual(
      messages.map(({ kind }) => kind),
      ['bad', 'shipping-advice', 'group'],
    );
    assert.equal(
      (messages[0] as { why: string }).why,
      '945_miscounted.x12: 945 0001 of group 72 is wrong: its SE01 counts 99 segments, there are 14.',
    );
    const text = x12.writeAcknowledgement!(5, at, group(file));
    assert.equal(text, fixture('997_out_partial.x12'));
  });

  test('x12: a wrong element is named by segment and place, to people and to the warehouse', () => {
    const file = '945_wrong_element.x12';
    const [bad] = x12.read('shipping-advice', file, fixture(file));
    assert.deepEqual(bad, {
      kind: 'bad',
      about: '945 0001 of group 73, 945_wrong_element.x12',
      why: "945_wrong_element.x12: 945 0001 of group 73 is wrong: W1203, the number of units shipped, is 'three' and not a number of 0 or more.",
      where: 'W12, segment 5',
    });
    assert.match(x12.writeAcknowledgement!(6, at, group(file)), /AK3\*W12\*5\*\*8~\nAK5\*R\*5~\nAK9\*R\*1\*1\*0~/);
  });

  test('x12: totals that do not agree, and mandatory segments that are missing', () => {
    const bent = (from: string, to: string) =>
      x12.read('shipping-advice', 'f', fixture('945_wrong_element.x12').replace('three', '3').replace(from, to))[0]!;
    assert.match((bent('W03*3', 'W03*4') as { why: string }).why, /W0301 says 4 units in all, its lines add up to 3/);
    assert.match((bent('W06*F*', 'W0X*F*') as { why: string }).why, /it has no W06 segment/);
    assert.equal(bent('', '').kind, 'shipping-advice');
  });

  test('x12: files for others, of the other usage, of another kind, and with wrong envelopes are refused whole', () => {
    const text = fixture('945_shipped.x12');
    const read = (bent: string) => refusal(() => x12.read('shipping-advice', 'f.x12', bent));
    assert.match(read(text.replaceAll('CROSSDOCK      ', 'SOMEBODY       ')), /from 'WMS' to 'SOMEBODY'/);
    assert.match(read(text.replace('*0*P*>', '*0*T*>')), /marked 'T' \(ISA15\)/);
    assert.match(read(fixture('846_stock.x12')), /holds a 846 where its name says 945/);
    assert.match(read(text.replace('GE*2*', 'GE*3*')), /counts 3 sets, there are 2/);
    assert.match(read(text.replace('IEA*1*000000071', 'IEA*1*000000070')), /names interchange 000000070/);
    const test = x12Codec({ kind: 'x12', ...partners, usage: 'T' });
    assert.equal(test.read('shipping-advice', 'f', text.replace('*0*P*>', '*0*T*>')).length, 3);
  });

  test('x12, xml: a day that never was is refused by its field', () => {
    const text = fixture('945_shipped.x12');
    const why = (bent: string): string =>
      x12.read('shipping-advice', 'f.x12', bent).flatMap((one) => ('why' in one ? [one.why as string] : []))[0] ?? '';
    assert.match(
      why(text.replace('12*20261126*', '12*20260230*')),
      /W0603, the shipping date, is '20260230' and no date/,
    );
    assert.match(
      refusal(() =>
        xmlCodec.read(
          'shipping-advice',
          'f.xml',
          fixture('shipped-1.xml').replace('2026-11-26T08:00', '2026-02-30T08:00'),
        ),
      ),
      /field 'shippedAt': '2026-02-30T08:00:00Z' is not a time/,
    );
  });

  test('x12: a group whose own time is none was sent when its interchange was; where that is none as well its sets are refused, each as a whole', () => {
    const text = fixture('945_shipped.x12');
    const sent = (bent: string) =>
      x12.read('shipping-advice', 'f', bent).flatMap((one) => (one.kind === 'shipping-advice' ? [one.sentAt] : []));
    const times = ['2026-11-26T09:05:00.071Z', '2026-11-26T09:05:00.071Z'];
    for (const wrong of ['20260230*0905', '20261126*2561', '261126*0905', '*'])
      assert.deepEqual(sent(text.replace('CROSSDOCK*20261126*0905', `CROSSDOCK*${wrong}`)), times, wrong);
    assert.deepEqual(sent(text.replace('261126*0905*U', '260101*1200*U')), times, 'its own time comes first');
    const none = text.replace('CROSSDOCK*20261126', 'CROSSDOCK*20260230').replace('261126*0905*U', '260230*0905*U');
    const [first, second, group] = x12.read('shipping-advice', 'f.x12', none);
    assert.deepEqual([first?.kind, second?.kind], ['bad', 'bad']);
    assert.match((first as { why: string }).why, /GS04 and GS05, .*'20260230 0905'.*ISA09 and ISA10.*'260230 0905'/);
    assert.equal((first as { where: string | null }).where, null);
    const answer = x12.writeAcknowledgement!(7, new Date(), group as ReceivedGroup);
    assert.doesNotMatch(answer, /AK3/, 'no segment of theirs is wrong');
    assert.equal(answer.match(/AK5\*R\*5~/g)?.length, 2);
  });

  test('x12: delimiters are what the ISA says', () => {
    const text = fixture('945_shipped.x12').replaceAll('\n', '').replaceAll('*', '|').replaceAll('~', "'");
    assert.deepEqual(
      x12.read('shipping-advice', 'f', text),
      x12.read('shipping-advice', 'f', fixture('945_shipped.x12')),
    );
  });

  test('csv: wrong values are named by line and field', () => {
    const bent = (from: string, to: string) =>
      refusal(() => csvCodec.read('shipping-advice', 'f.csv', fixture('shipped-1.csv').replace(from, to)));
    const everywhere = fixture('shipped-1.csv').replaceAll(',yes,', ',perhaps,');
    assert.match(bent('MUG-R,2', 'MUG-R,two'), /f\.csv, line 2, field 'quantity': 'two' is not a plain number/);
    assert.match(bent('END,3', 'END,4'), /says that it has 4 rows and has 3/);
    assert.match(bent('2026-11-26T09:00:00+01:00', '2026-11-26 09:00'), /field 'shipped_at'/);
    assert.match(
      bent('00013,2026-11-26T09', '00013,2026-02-30T09'),
      /line 4, field 'shipped_at': '2026-02-30T09:00:00\+01:00' is not a time/,
    );
    assert.match(
      refusal(() => csvCodec.read('shipping-advice', 'f.csv', everywhere)),
      /f\.csv, line 2, field 'closes': 'perhaps' is none of yes, no/,
    );
    assert.match(bent('UPSN,1Z999AA10123456784,yes', 'UPSN,1Z0,yes'), /shipment SH5001 has two values/);
    assert.match(bent('sku', 'code'), /has no column 'sku'/);
  });

  test('xml: document types and entities are never read', () => {
    const evil = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ShippingAdvices>&e;</ShippingAdvices>';
    assert.match(
      refusal(() => xmlCodec.read('shipping-advice', 'f.xml', evil)),
      /has a document type/,
    );
    assert.match(
      refusal(() => xmlCodec.read('shipping-advice', 'f.xml', '<Orders/>')),
      /outermost element is not/,
    );
  });
});
