import { Answers, Open, Roles, decodeCursor, page } from '@ballast/service';
import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import type { Product } from './product.entity.js';
import { errors } from './product.errors.js';
import {
  productChange,
  productList,
  productQuery,
  productView,
  sku,
  type ProductChange,
  type ProductList,
  type ProductQuery,
  type ProductView,
} from './product.schema.js';
import { ProductService } from './product.service.js';

@Controller('products')
export class ProductController {
  constructor(private readonly products: ProductService) {}

  @Get()
  @Open()
  @Answers(200, productList)
  async list(@Query({ schema: productQuery }) { limit, cursor }: ProductQuery): Promise<ProductList> {
    const products = await this.products.list(limit + 1, decodeCursor(cursor, sku));
    return page(products.map(view), limit, (last) => last.sku);
  }

  @Get(':sku')
  @Open()
  @Answers(200, productView, [errors.NOT_FOUND])
  async get(@Param('sku') sku: string): Promise<ProductView> {
    return view(await this.products.get(sku));
  }

  @Put(':sku')
  @Roles('merchant')
  @Answers(200, productView, [errors.STOCK_BELOW_RESERVED])
  async put(@Param('sku', { schema: sku }) sku: string, @Body({ schema: productChange }) change: ProductChange): Promise<ProductView> {
    return view(await this.products.put(sku, change));
  }
}

const view = ({ sku, name, price, onHand, reserved }: Product): ProductView => ({
  sku,
  name,
  price: { amount: price.amount, currency: price.currency },
  available: onHand - reserved,
});
