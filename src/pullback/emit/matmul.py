"""Numba's version of `native.matmul`: a call of a BLAS, or loops where that would take longer.

Numba's own ``@`` takes a quarter of a second to compile for each pair of layouts, since it is written in
Python; here it is a function that a module has once for each, or loops in the caller where lengths are known.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array
from numba.np.linalg import call_xxgemm, ensure_blas

from pullback.emit import arithmetic, native
from pullback.emit.allocation import allocated, raise_if

_FEW = 128
"""Up to so many multiplications are done here."""


@type_callable(native.matmul)
def _typer(context):
    def typer(a, b):
        given = isinstance(a, types.Array) and isinstance(b, types.Array)
        if not given or a.dtype != b.dtype or not a.ndim == b.ndim == 2 or "A" in a.layout + b.layout:
            return None
        return types.Array(a.dtype, 2, "C")

    return typer


@lower_builtin(native.matmul, types.Array, types.Array)
def _matmul(context, builder, signature, arguments, loc=None):
    ensure_blas()
    kinds = (*signature.args, signature.return_type)
    a, b = (make_array(kind)(context, builder, value) for kind, value in zip(kinds, arguments, strict=False))
    (m, k), (other, n) = (cgutils.unpack_tuple(builder, x.shape, count=2) for x in (a, b))
    message = "matmul: the second matrix has not as many rows as the first has columns"
    raise_if(context, builder, builder.icmp_signed("!=", k, other), ValueError, message, loc)
    result = allocated(context, builder, signature.return_type, [m, n])
    data, lengths = (a.data, b.data, result.data), (m, k, n)
    if all(isinstance(length, ir.Constant) for length in lengths):
        _product(context, builder, kinds, data, lengths)
        return result.value
    too_long = builder.icmp_signed(">", builder.or_(builder.or_(m, k), n), cgutils.intp_t(2**31 - 1))
    message = "matmul: a length is too large for BLAS"
    too_long = builder.and_(too_long, _is_much(builder, lengths))
    raise_if(context, builder, too_long, OverflowError, message)
    builder.call(_function(context, builder.module, kinds, data), (*data, *lengths))
    return result.value


def _function(context, module, kinds, data):
    """The product of matrices of these kinds, once for all in a module, of whose compilation it is most."""
    name = f"pullback.matmul.{kinds[0].dtype}.{kinds[0].layout}{kinds[1].layout}"
    known = module.globals.get(name)
    if known is not None:
        return known
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in data] + [cgutils.intp_t] * 3)
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    _product(context, builder, kinds, function.args[:3], function.args[3:])
    builder.ret_void()
    return function


def _is_much(builder, lengths):
    """Whether so many numbers are multiplied that BLAS does it sooner."""
    m, k, n = lengths
    return builder.icmp_signed(">", builder.mul(builder.mul(m, n), k), cgutils.intp_t(_FEW))


def _product(context, builder, kinds, data, lengths):
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
