"""Numba's version of `native.matmul`: a call of a BLAS, or loops where that would take longer.

Numba's own ``@`` takes a quarter of a second to compile for each pair of layouts, since it is written in
Python; here it is a few instructions in the caller.
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
def _matmul(context, builder, signature, arguments):
    ensure_blas()
    kinds = signature.args
    a, b = (make_array(kind)(context, builder, value) for kind, value in zip(kinds, arguments, strict=True))
    (m, k), (other, n) = (cgutils.unpack_tuple(builder, x.shape, count=2) for x in (a, b))
    message = "matmul: the second matrix has not as many rows as the first has columns"
    raise_if(context, builder, builder.icmp_signed("!=", k, other), ValueError, message)
    lengths = (m, k, n)
    most = ir.Constant(cgutils.intp_t, 2**31 - 1)
    long = [builder.icmp_signed(">", length, most) for length in lengths]
    message = "array size too large to fit in C int"
    raise_if(context, builder, builder.or_(builder.or_(*long[:2]), long[2]), OverflowError, message)
    result = allocated(context, builder, signature.return_type, [m, n])
    builder.call(_function(context, builder, signature), [*lengths, a.data, b.data, result.data])
    return result.value


def _function(context, builder, signature):
    """What multiplies matrices of these types: one function of the module, whoever calls it."""
    kinds, kind = signature.args, signature.return_type
    name = f"matmul.{kind.dtype}.{kinds[0].layout}{kinds[1].layout}"
    function = builder.module.globals.get(name)
    if function is not None:
        return function
    pointer = context.get_data_type(kind.dtype).as_pointer()
    word = cgutils.intp_t
    type_ = ir.FunctionType(ir.VoidType(), [word, word, word, pointer, pointer, pointer])
    function = ir.Function(builder.module, type_, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    inner = ir.IRBuilder(function.append_basic_block("entry"))
    m, k, n, a, b, result = function.args
    work = inner.mul(inner.mul(m, n), k)
    with inner.if_else(inner.icmp_signed("<=", work, word(_FEW))) as (few, many):
        with few:
            _loops(context, inner, kinds, (a, b, result), (m, k, n))
        with many:
            call_xxgemm(context, inner, kinds[0], (m, k), a, kinds[1], (k, n), b, kind, (m, n), result)
    inner.ret_void()
    return function


def _loops(context, builder, kinds, arrays, lengths):
    """Each element of the product as one sum."""
    a, b, result = arrays
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
