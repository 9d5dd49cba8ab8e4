"""Numba's versions of `native.matmul` and `multiply`: a call of a BLAS, or loops where that takes longer.

Numba's own ``@`` takes a quarter of a second to compile for each pair of layouts, since it is written in
Python; here one function, which a module has once for each dtype, takes matrices in either order. Where
lengths are known there are loops in the caller.
"""

from llvmlite import ir
from numba.core import callconv, cgutils, types
from numba.extending import lower_builtin, type_callable
from numba.np.linalg import call_xxgemm, check_blas_return, ensure_blas, get_blas_kind

from pullback.emit import arithmetic, native
from pullback.emit.allocation import allocated, exceptions, leave_if, raise_if, refusal_of
from pullback.emit.direct.elements import WORD, View
from pullback.emit.shared import shared

PRODUCTS = "pullback.multiply."
"""How the names of functions begin that multiply matrices."""
_FEW = 128
"""Up to so many multiplications are done here."""
_CHAR = ir.IntType(8)
_VOID = _CHAR.as_pointer()
_ROWS, _COLUMNS, _CONJUGATE = (ir.Constant(_CHAR, ord(how)) for how in "ntc")
"""How a BLAS is to read a factor, as seen from a product in C order."""


def _are_matrices(*kinds):
    return all(
        isinstance(k, types.Array) and k.ndim == 2 and k.layout != "A" and k.dtype == kinds[0].dtype
        for k in kinds
    )


@type_callable(native.matmul)
def _type_of_matmul(context):
    def typer(a, b, conjugate=types.int64):
        return types.Array(a.dtype, 2, "C") if _are_matrices(a, b) else None

    return typer


@type_callable(native.multiply)
def _type_of_multiply(context):
    def typer(y, a, b, conjugate, adds):
        return types.none if _are_matrices(y, a, b) and y.layout == "C" else None

    return typer


@lower_builtin(native.matmul, types.Array, types.Array)
@lower_builtin(native.matmul, types.Array, types.Array, types.Integer)
def _matmul(context, builder, signature, arguments, loc=None):
    pairs = zip(signature.args[:2], arguments[:2], strict=True)
    a, b = (View.of(context, builder, *pair) for pair in pairs)
    conjugate = arguments[2].constant if len(arguments) > 2 else -1
    return product_of(context, builder, signature.return_type, a, b, conjugate, loc).whole(context, builder)


@lower_builtin(native.multiply, types.Array, types.Array, types.Array, types.Integer, types.Boolean)
def _multiply(context, builder, signature, arguments, loc=None):
    pairs = zip(signature.args[:3], arguments[:3], strict=True)
    y, a, b = (View.of(context, builder, *pair) for pair in pairs)
    multiplied(context, builder, y, a, b, arguments[3].constant, arguments[4], loc)
    return context.get_dummy_value()


def product_of(context, builder, kind, a, b, conjugate, loc):
    """A new array of type `kind`, the product of the matrices `a` and `b`; all are `View`s."""
    ensure_blas()
    m, k, n = lengths = (*a.shape, b.shape[1])
    if k is not b.shape[0]:
        differs = builder.icmp_signed("!=", k, b.shape[0])
        raise_if(context, builder, differs, ValueError, _INNER, loc)
    result = allocated(context, builder, kind, [m, n])
    if conjugate < 0 and all(isinstance(length, ir.Constant) for length in lengths):
        _product(context, builder, (a.kind, b.kind, kind), (a.data, b.data, result.data), lengths)
    else:
        _call(context, builder, (result.data, m, n), (a, b), _ways(a, b, conjugate), cgutils.false_bit, loc)
    return result


def multiplied(context, builder, y, a, b, conjugate, adds, loc):
    """What `native.multiply` does, with the parts of three matrices."""
    ensure_blas()
    _call(context, builder, (y.data, *y.shape), (a, b), _ways(a, b, conjugate), adds, loc)


_INNER = "matmul: the second matrix has not as many rows as the first has columns"
_REFUSALS = (
    (ValueError, _INNER),
    (ValueError, "a store of a product of matrices: lengths differ"),
    (OverflowError, "matmul: a length is too large for BLAS"),
)


def _ways(a, b, which):
    """How each factor is read; only one that is read by columns can be conjugated."""
    by_columns = [_CONJUGATE if factor == which else _COLUMNS for factor in range(2)]
    ways = [_ROWS if x.kind.layout == "C" else way for x, way in zip((a, b), by_columns, strict=True)]
    assert which < 0 or ways[which] is _CONJUGATE
    return ways


def _call(context, builder, result, factors, ways, adds, loc):
    a, b = factors
    function = _function(context, builder.module, a.kind.dtype)
    refusals = exceptions(context, builder, _REFUSALS, loc)
    place = context.call_conv._get_excinfo_argument(builder.function)
    given = (*result, a.data, *a.shape, b.data, *b.shape, *ways, adds, place, refusals)
    leave_if(builder, builder.call(function, given))


def _is_much(builder, lengths):
    """Whether so many numbers are multiplied that BLAS does it sooner."""
    m, k, n = lengths
    return builder.icmp_signed(">", builder.mul(builder.mul(m, n), k), WORD(_FEW))


def _function(context, module, dtype):
    """What multiplies matrices of numbers of this kind; it gives 1 where it has left an exception instead."""
    matrix = [context.get_data_type(dtype).as_pointer(), WORD, WORD]
    raising = [callconv.excinfo_ptr_t.as_pointer(), callconv.excinfo_ptr_t]

    def write(builder, y, rows, columns, a, m, k, b, inner, n, way_a, way_b, adds, place, refusals):
        is_much = _is_much(builder, (m, k, n))
        longest = builder.icmp_signed(">", builder.or_(builder.or_(m, k), n), WORD(2**31 - 1))
        differ = builder.or_(builder.icmp_signed("!=", rows, m), builder.icmp_signed("!=", columns, n))
        tests = (builder.icmp_signed("!=", k, inner), differ, builder.and_(is_much, longest))
        for position, test in enumerate(tests):
            with builder.if_then(test, likely=False):
                builder.store(refusal_of(builder, refusals, position), place)
                builder.ret(cgutils.true_bit)
        with builder.if_else(is_much) as (many, few):
            with many:
                _by_blas(context, builder, dtype, y, a, b, m, k, n, way_a, way_b, adds)
            with few:
                _by_loops(context, builder, dtype, y, a, b, m, k, n, way_a, way_b, adds)
        builder.ret(cgutils.false_bit)

    kind = ir.FunctionType(cgutils.bool_t, [*matrix * 3, _CHAR, _CHAR, cgutils.bool_t, *raising])
    return shared(module, f"{PRODUCTS}{dtype}", kind, write, ("minsize", "optsize"))


def _by_blas(context, builder, dtype, y, a, b, m, k, n, way_a, way_b, adds):
    """The transposed product, as a BLAS sees memory."""
    kinds = [_CHAR] * 3 + [WORD] * 3 + [_VOID, _VOID, WORD, _VOID, WORD, _VOID, _VOID, WORD]
    gemm = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.IntType(32), kinds), "numba_xxgemm"
    )
    one, zero = context.get_constant_generic(builder, dtype, 1), context.get_constant_null(dtype)
    alpha = cgutils.alloca_once_value(builder, one)
    beta = cgutils.alloca_once_value(builder, builder.select(adds, one, zero))
    alpha, beta, y, a, b = (builder.bitcast(pointer, _VOID) for pointer in (alpha, beta, y, a, b))
    width_a = builder.select(builder.icmp_unsigned("==", way_a, _ROWS), k, m)
    width_b = builder.select(builder.icmp_unsigned("==", way_b, _ROWS), n, k)
    kind = _CHAR(ord(get_blas_kind(dtype)))
    done = builder.call(gemm, (kind, way_b, way_a, n, m, k, alpha, b, width_b, a, width_a, beta, y, n))
    check_blas_return(context, builder, done)


def _by_loops(context, builder, dtype, y, a, b, m, k, n, way_a, way_b, adds):
    """Each element of the product as one sum."""
    total = cgutils.alloca_once(builder, context.get_value_type(dtype))
    factors = []
    for data, way, rows, columns in ((a, way_a, m, k), (b, way_b, k, n)):
        by_rows = builder.icmp_unsigned("==", way, _ROWS)
        steps = builder.select(by_rows, columns, WORD(1)), builder.select(by_rows, WORD(1), rows)
        factors.append((data, steps, builder.icmp_unsigned("==", way, _CONJUGATE)))
    with cgutils.for_range(builder, m) as row, cgutils.for_range(builder, n) as column:
        place = builder.gep(y, [builder.add(builder.mul(row.index, n), column.index)])
        # What is there may be NaN, so that it is not multiplied by 0.
        before = builder.select(adds, builder.load(place), context.get_constant_null(dtype))
        builder.store(before, total)
        with cgutils.for_range(builder, k) as inner:
            pairs = zip(factors, ((row.index, inner.index), (inner.index, column.index)), strict=True)
            x, z = (_element(builder, factor, index) for factor, index in pairs)
            builder.store(_plus_product(builder, builder.load(total), x, z), total)
        builder.store(builder.load(total), place)


def _element(builder, factor, index):
    (data, steps, conjugated), (i, j) = factor, index
    place = builder.add(builder.mul(i, steps[0]), builder.mul(j, steps[1]))
    x = builder.load(builder.gep(data, [place]))
    if not isinstance(x.type, ir.LiteralStructType):
        return x
    real, imag = arithmetic.parts(builder, x)
    return arithmetic.whole(builder, x.type, real, builder.select(conjugated, builder.fneg(imag), imag))


def _product(context, builder, kinds, data, lengths):
    """A product of matrices of known lengths."""
    m, k, n = lengths
    with builder.if_else(_is_much(builder, lengths)) as (many, few):
        with few:
            _loops(context, builder, kinds, data, lengths)
        with many:
            call_xxgemm(
                context, builder, kinds[0], (m, k), data[0], kinds[1], (k, n), data[1],
                kinds[2], (m, n), data[2],
            )  # fmt: skip


def _loops(context, builder, kinds, data, lengths):
    """Each element of the product as one sum."""
    a, b, result = data
    m, k, n = lengths
    dtype = kinds[0].dtype
    total = cgutils.alloca_once(builder, context.get_value_type(dtype))
    with cgutils.for_range(builder, m) as row, cgutils.for_range(builder, n) as column:
        builder.store(context.get_constant_null(dtype), total)
        with cgutils.for_range(builder, k) as inner:
            left = _load(builder, kinds[0], a, (m, k), (row.index, inner.index))
            right = _load(builder, kinds[1], b, (k, n), (inner.index, column.index))
            builder.store(_plus_product(builder, builder.load(total), left, right), total)
        place = builder.add(builder.mul(row.index, n), column.index)
        builder.store(builder.load(total), builder.gep(result, [place]))


def _load(builder, kind, data, shape, index):
    """An element of a matrix in either order."""
    (i, j), (rows, columns) = index, shape
    first, second, width = (i, j, columns) if kind.layout == "C" else (j, i, rows)
    return builder.load(builder.gep(data, [builder.add(builder.mul(first, width), second)]))


def _plus_product(builder, total, x, y):
    """``total + x * y`` of real or of complex numbers."""
    if not isinstance(total.type, ir.LiteralStructType):
        return builder.fadd(total, builder.fmul(x, y))
    return arithmetic.add(builder, total, arithmetic.multiply(builder, x, y))
