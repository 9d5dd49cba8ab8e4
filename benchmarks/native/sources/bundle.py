"""Bundle adjustment (the BA objective of ADBench): reprojection errors of points seen by cameras.

A camera is a rotation vector (3), a centre (3), a focal length, a principal point (2) and two coefficients of
radial distortion. The loss is half the sum of squared errors, each scaled by its weight, and of the squared
errors of the weights themselves. The Jacobian of the errors is sparse: 2 × 15 for each observation.

Source: Srajer, Kukelova, Fitzgibbon, 2018, §4.2; Rodrigues' formula for the rotation.
"""

import numpy as np


def errors_slices(cameras, points, weights, features):
    """Errors (p, 2), where row i of each argument belongs to observation i: a Jacobian has blocks only."""
    rotation = cameras[:, :3]
    x = points - cameras[:, 3:6]
    angle = np.sqrt(np.sum(rotation * rotation, axis=1))[:, None]
    axis = rotation / angle
    cosine, sine = np.cos(angle), np.sin(angle)
    along = np.sum(axis * x, axis=1)[:, None]
    crossed = np.stack(
        (
            axis[:, 1] * x[:, 2] - axis[:, 2] * x[:, 1],
            axis[:, 2] * x[:, 0] - axis[:, 0] * x[:, 2],
            axis[:, 0] * x[:, 1] - axis[:, 1] * x[:, 0],
        ),
        axis=1,
    )
    turned = x * cosine + crossed * sine + axis * (along * (1.0 - cosine))
    flat = turned[:, :2] / turned[:, 2:3]
    square = np.sum(flat * flat, axis=1)
    distortion = 1.0 + cameras[:, 9] * square + cameras[:, 10] * square * square
    projected = cameras[:, 6:7] * (flat * distortion[:, None]) + cameras[:, 7:9]
    return weights[:, None] * (projected - features)


def errors_loops(cameras, points, weights, features):
    p = weights.shape[0]
    errors = np.empty((p, 2))
    for i in range(p):
        rx, ry, rz = cameras[i, 0], cameras[i, 1], cameras[i, 2]
        x, y, z = points[i, 0] - cameras[i, 3], points[i, 1] - cameras[i, 4], points[i, 2] - cameras[i, 5]
        angle = np.sqrt(rx * rx + ry * ry + rz * rz)
        rx, ry, rz = rx / angle, ry / angle, rz / angle
        cosine, sine = np.cos(angle), np.sin(angle)
        along = (rx * x + ry * y + rz * z) * (1.0 - cosine)
        turned_x = x * cosine + (ry * z - rz * y) * sine + rx * along
        turned_y = y * cosine + (rz * x - rx * z) * sine + ry * along
        turned_z = z * cosine + (rx * y - ry * x) * sine + rz * along
        u, v = turned_x / turned_z, turned_y / turned_z
        square = u * u + v * v
        distortion = 1.0 + square * (cameras[i, 9] + square * cameras[i, 10])
        scale = cameras[i, 6] * distortion
        errors[i, 0] = weights[i] * (scale * u + cameras[i, 7] - features[i, 0])
        errors[i, 1] = weights[i] * (scale * v + cameras[i, 8] - features[i, 1])
    return errors


def loss_slices(cameras, points, weights, features, camera_of, point_of):
    errors = errors_slices(cameras[camera_of], points[point_of], weights, features)
    weight_errors = 1.0 - weights * weights
    return 0.5 * np.sum(errors * errors) + 0.5 * np.sum(weight_errors * weight_errors)


def loss_loops(cameras, points, weights, features, camera_of, point_of):
    total = 0.0
    for i in range(weights.shape[0]):
        camera, point = cameras[camera_of[i]], points[point_of[i]]
        rx, ry, rz = camera[0], camera[1], camera[2]
        x, y, z = point[0] - camera[3], point[1] - camera[4], point[2] - camera[5]
        angle = np.sqrt(rx * rx + ry * ry + rz * rz)
        rx, ry, rz = rx / angle, ry / angle, rz / angle
        cosine, sine = np.cos(angle), np.sin(angle)
        along = (rx * x + ry * y + rz * z) * (1.0 - cosine)
        turned_x = x * cosine + (ry * z - rz * y) * sine + rx * along
        turned_y = y * cosine + (rz * x - rx * z) * sine + ry * along
        turned_z = z * cosine + (rx * y - ry * x) * sine + rz * along
        u, v = turned_x / turned_z, turned_y / turned_z
        square = u * u + v * v
        distortion = 1.0 + square * (camera[9] + square * camera[10])
        scale = camera[6] * distortion
        error_u = weights[i] * (scale * u + camera[7] - features[i, 0])
        error_v = weights[i] * (scale * v + camera[8] - features[i, 1])
        weight_error = 1.0 - weights[i] * weights[i]
        total += 0.5 * (error_u * error_u + error_v * error_v + weight_error * weight_error)
    return total
