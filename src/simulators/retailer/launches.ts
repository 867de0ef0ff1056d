import type { Random } from '../../core/clock.ts';
import type { Article } from './assortment.ts';
import type { BackOffice } from './back-office.ts';

/** A product that is to be launched. */
interface Launch {
  /** First part of its variants' codes. */
  readonly code: string;
  readonly title: string;
  readonly description: string;
  /** Minor units, of the smallest variant. */
  readonly price: number;
  readonly options: Readonly<Record<string, readonly string[]>>;
}

const materials = ['Linen', 'Wool', 'Cotton', 'Velvet', 'Hemp', 'Silk'];
const goods = ['curtain', 'blanket', 'table cloth', 'robe'];
const sets: readonly Launch['options'][] = [
  { Colour: ['Red', 'Blue', 'Sand'], Size: ['S', 'L'] },
  { Colour: ['Sand', 'Red'] },
  { Size: ['S', 'M', 'L'] },
];

/** The retailer's own label, in the order in which it comes out. */
const launches: readonly Launch[] = goods.flatMap((noun, row) =>
  materials.map((material, column): Launch => {
    const n = row * materials.length + column;
    return {
      code: `OWN-${101 + n}`,
      title: `${material} ${noun}`,
      description: `${material}, woven for us.`,
      price: 1995 + n * 250,
      options: sets[n % sets.length]!,
    };
  }),
);

const PIECES = 120;

interface Template {
  readonly id: number;
  readonly sale_ok: boolean;
}

interface Variant {
  readonly id: number;
  readonly default_code: string | false;
  readonly product_template_attribute_value_ids: readonly number[];
}

/** People in Odoo who bring out the retailer's own label: products with variants, priced and counted, and then for sale; names and texts change later. Every step may be done twice. */
export class Launches {
  readonly #office: BackOffice;
  readonly #templates: { readonly id: number; readonly launch: Launch }[] = [];
  #next = 0;

  constructor(office: BackOffice) {
    this.#office = office;
  }

  /** Finds what is for sale already; one that was not finished is begun again. */
  async recall(): Promise<void> {
    for (; this.#next < launches.length; this.#next++) {
      const launch = launches[this.#next]!;
      const template = await this.#templateOf(launch);
      if (!template?.sale_ok) return;
      await this.#priced(template.id, launch);
      this.#templates.push({ id: template.id, launch });
    }
  }

  /** Brings out the next product. Returns whether there was one. */
  async launch(): Promise<boolean> {
    const launch = launches[this.#next];
    if (!launch) return false;
    const { desk, tax } = this.#office;
    const id =
      (await this.#templateOf(launch))?.id ??
      (await desk.find('product.template', [['name', '=', launch.title]], async () => ({
        name: launch.title,
        description_sale: launch.description,
        type: 'consu',
        is_storable: true,
        sale_ok: false,
        list_price: launch.price / 100,
        taxes_id: [[6, 0, [tax]]],
        attribute_line_ids: await this.#attributeLines(launch),
      })));
    await this.#priced(id, launch);
    // Nothing is for sale before all of it is ready.
    await desk.write('product.template', id, { sale_ok: true });
    this.#templates.push({ id, launch });
    this.#next += 1;
    return true;
  }

  /** Another name and text for something that is for sale; nobody has seen either before. */
  async revise(random: Random): Promise<void> {
    const one = this.#templates[Math.floor(random() * this.#templates.length)];
    if (!one) return;
    const edition = `${new Date().toISOString().slice(11, 23)}`;
    await this.#office.desk.write('product.template', one.id, {
      name: `${one.launch.title}, edition ${edition}`,
      description_sale: `${one.launch.description} Edition ${edition}.`,
    });
  }

  /** Known by the code of a variant, for its name may have changed. */
  async #templateOf({ code }: Launch): Promise<Template | undefined> {
    const [variant] = await this.#office.desk.read<{ product_tmpl_id: [number] }>(
      'product.product',
      [['default_code', '=like', `${code}-%`]],
      ['product_tmpl_id'],
    );
    if (!variant) return undefined;
    const domain = [['id', '=', variant.product_tmpl_id[0]]];
    return (await this.#office.desk.read<Template>('product.template', domain, ['sale_ok']))[0];
  }

  async #attributeLines({ options }: Launch): Promise<unknown[]> {
    const { desk } = this.#office;
    const lines: unknown[] = [];
    for (const [name, values] of Object.entries(options)) {
      const attribute = await desk.find('product.attribute', [['name', '=', name]], async () => ({ name }));
      const ids: number[] = [];
      for (const value of values) {
        const domain = [
          ['name', '=', value],
          ['attribute_id', '=', attribute],
        ];
        ids.push(
          await desk.find('product.attribute.value', domain, async () => ({ name: value, attribute_id: attribute })),
        );
      }
      lines.push([0, 0, { attribute_id: attribute, value_ids: [[6, 0, ids]] }]);
    }
    return lines;
  }

  /** Code, price and pieces for each variant. */
  async #priced(template: number, launch: Launch): Promise<void> {
    const { desk } = this.#office;
    const fields = ['default_code', 'product_template_attribute_value_ids'];
    const variants = await desk.read<Variant>('product.product', [['product_tmpl_id', '=', template]], fields);
    const chosen = variants.flatMap((variant) => variant.product_template_attribute_value_ids);
    const names = new Map(
      (
        await desk.read<{ id: number; name: string }>(
          'product.template.attribute.value',
          [['id', 'in', chosen]],
          ['name'],
        )
      ).map(({ id, name }) => [id, name]),
    );
    for (const [
      place,
      { id, default_code: code, product_template_attribute_value_ids: values },
    ] of variants.entries()) {
      const sku = [launch.code, ...values.map((value) => names.get(value)!.toUpperCase())].join('-');
      if (code !== sku) await desk.write('product.product', id, { default_code: sku });
      const article: Article = { sku, title: launch.title, price: launch.price + place * 100 };
      await this.#office.offer(id, article, PIECES);
    }
  }
}
