"""Gradient of the BA loss and blocks of the Jacobian of its errors: each observation is reversed at once."""

import numpy as np

from benchmarks.native.adjoints.compiled import compiled
from benchmarks.native.sources import bundle

loss_primal = compiled(bundle.loss_loops)
errors_primal = compiled(bundle.errors_loops)


@compiled
def forward(camera, point):
    """Everything about one observation that its adjoint needs; nothing transcendental is computed again."""
    rx, ry, rz = camera[0], camera[1], camera[2]
    x, y, z = point[0] - camera[3], point[1] - camera[4], point[2] - camera[5]
    angle = np.sqrt(rx * rx + ry * ry + rz * rz)
    inverse = 1.0 / angle
    rx, ry, rz = rx * inverse, ry * inverse, rz * inverse
    cosine, sine = np.cos(angle), np.sin(angle)
    dot = rx * x + ry * y + rz * z
    along = dot * (1.0 - cosine)
    cx, cy, cz = ry * z - rz * y, rz * x - rx * z, rx * y - ry * x
    turned_x = x * cosine + cx * sine + rx * along
    turned_y = y * cosine + cy * sine + ry * along
    depth = 1.0 / (z * cosine + cz * sine + rz * along)
    u, v = turned_x * depth, turned_y * depth
    square = u * u + v * v
    distortion = 1.0 + square * (camera[9] + square * camera[10])
    rotation = rx, ry, rz, inverse, cosine, sine, dot, along
    return (x, y, z), rotation, (cx, cy, cz), (u, v, depth, square, distortion)


@compiled
def reverse(error_u_bar, error_v_bar, camera, x_y_z, rotation, crossed, projection):
    """The cotangents of one observation's camera and point, from those of its errors before weighting."""
    x, y, z = x_y_z
    rx, ry, rz, inverse, cosine, sine, dot, along = rotation
    cx, cy, cz = crossed
    u, v, depth, square, distortion = projection
    focal = camera[6]
    along_view = error_u_bar * u + error_v_bar * v
    distortion_bar = along_view * focal
    square_bar = distortion_bar * (camera[9] + 2.0 * square * camera[10])
    scale = focal * distortion
    u_bar = scale * error_u_bar + 2.0 * u * square_bar
    v_bar = scale * error_v_bar + 2.0 * v * square_bar
    tx_bar, ty_bar = u_bar * depth, v_bar * depth
    tz_bar = -(u_bar * u + v_bar * v) * depth

    along_bar = rx * tx_bar + ry * ty_bar + rz * tz_bar
    dot_bar = along_bar * (1.0 - cosine)
    cosine_bar = x * tx_bar + y * ty_bar + z * tz_bar - along_bar * dot
    sine_bar = cx * tx_bar + cy * ty_bar + cz * tz_bar
    cx_bar, cy_bar, cz_bar = sine * tx_bar, sine * ty_bar, sine * tz_bar
    x_bar = cosine * tx_bar + rx * dot_bar + (rz * cy_bar - ry * cz_bar)
    y_bar = cosine * ty_bar + ry * dot_bar + (rx * cz_bar - rz * cx_bar)
    z_bar = cosine * tz_bar + rz * dot_bar + (ry * cx_bar - rx * cy_bar)
    rx_bar = along * tx_bar + dot_bar * x + (y * cz_bar - z * cy_bar)
    ry_bar = along * ty_bar + dot_bar * y + (z * cx_bar - x * cz_bar)
    rz_bar = along * tz_bar + dot_bar * z + (x * cy_bar - y * cx_bar)
    angle_bar = sine_bar * cosine - cosine_bar * sine
    angle_bar -= inverse * (rx_bar * rx + ry_bar * ry + rz_bar * rz)
    camera_bar = (
        inverse * rx_bar + angle_bar * rx,
        inverse * ry_bar + angle_bar * ry,
        inverse * rz_bar + angle_bar * rz,
        -x_bar,
        -y_bar,
        -z_bar,
        along_view * distortion,
        error_u_bar,
        error_v_bar,
        distortion_bar * square,
        distortion_bar * square * square,
    )
    return camera_bar, (x_bar, y_bar, z_bar)


@compiled
def loss_gradient(cameras, points, weights, features, camera_of, point_of):
    total = 0.0
    cameras_bar, points_bar = np.zeros(cameras.shape), np.zeros(points.shape)
    weights_bar = np.empty(weights.shape)
    for i in range(weights.shape[0]):
        j, k, weight = camera_of[i], point_of[i], weights[i]
        camera = cameras[j]
        x_y_z, rotation, crossed, projection = forward(camera, points[k])
        u, v, _, _, distortion = projection
        scale = camera[6] * distortion
        raw_u = scale * u + camera[7] - features[i, 0]
        raw_v = scale * v + camera[8] - features[i, 1]
        error_u, error_v, weight_error = weight * raw_u, weight * raw_v, 1.0 - weight * weight
        total += 0.5 * (error_u * error_u + error_v * error_v + weight_error * weight_error)
        weights_bar[i] = error_u * raw_u + error_v * raw_v - 2.0 * weight * weight_error
        camera_bar, point_bar = reverse(
            weight * error_u, weight * error_v, camera, x_y_z, rotation, crossed, projection
        )
        add(cameras_bar[j], points_bar[k], camera_bar, point_bar)
    return total, (cameras_bar, points_bar, weights_bar)


@compiled
def put(camera_row, point_row, camera_bar, point_bar):
    """Entry by entry: Numba reads a tuple at a variable index by a chain of comparisons."""
    camera_row[0], camera_row[1], camera_row[2], camera_row[3] = camera_bar[:4]
    camera_row[4], camera_row[5], camera_row[6], camera_row[7] = camera_bar[4:8]
    camera_row[8], camera_row[9], camera_row[10] = camera_bar[8:]
    point_row[0], point_row[1], point_row[2] = point_bar


@compiled
def add(camera_row, point_row, camera_bar, point_bar):
    x_bar, y_bar, z_bar = point_bar
    point_row[0] += x_bar
    point_row[1] += y_bar
    point_row[2] += z_bar
    camera_row[0] += camera_bar[0]
    camera_row[1] += camera_bar[1]
    camera_row[2] += camera_bar[2]
    camera_row[3] += camera_bar[3]
    camera_row[4] += camera_bar[4]
    camera_row[5] += camera_bar[5]
    camera_row[6] += camera_bar[6]
    camera_row[7] += camera_bar[7]
    camera_row[8] += camera_bar[8]
    camera_row[9] += camera_bar[9]
    camera_row[10] += camera_bar[10]


@compiled
def errors_blocks(cameras, points, weights, features):
    """Errors, and for each of their two columns the rows of its Jacobian by camera, point and weight."""
    p = weights.shape[0]
    errors, cameras_bar = np.empty((p, 2)), np.empty((2, p, 11))
    points_bar, weights_bar = np.empty((2, p, 3)), np.empty((2, p))
    for i in range(p):
        camera, weight = cameras[i], weights[i]
        x_y_z, rotation, crossed, projection = forward(camera, points[i])
        u, v, _, _, distortion = projection
        scale = camera[6] * distortion
        error_u, error_v = scale * u + camera[7] - features[i, 0], scale * v + camera[8] - features[i, 1]
        weights_bar[0, i], weights_bar[1, i] = error_u, error_v
        errors[i, 0], errors[i, 1] = weight * error_u, weight * error_v
        camera_bar, point_bar = reverse(weight, 0.0, camera, x_y_z, rotation, crossed, projection)
        put(cameras_bar[0, i], points_bar[0, i], camera_bar, point_bar)
        camera_bar, point_bar = reverse(0.0, weight, camera, x_y_z, rotation, crossed, projection)
        put(cameras_bar[1, i], points_bar[1, i], camera_bar, point_bar)
    return errors, (
        (cameras_bar[0], points_bar[0], weights_bar[0]),
        (cameras_bar[1], points_bar[1], weights_bar[1]),
    )
