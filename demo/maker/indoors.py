"""Scenes inside a building; see scenes.py."""

from __future__ import annotations

import math

from .canvas import Canvas


def cello(c: Canvas) -> None:
    c.gradient(0, 112, "3a2340", "7c3f4e")
    c.gradient(112, 130, "59382c", "46291f")
    for x in (0, 44, 232, 276):
        c.rectangle(x, 0, 36, 112, "8c2f3e")
        c.rectangle(x + 10, 0, 6, 112, "74252f")
    c.ellipse(160, 121, 62, 7, "6b4535")
    c.line([(160, 14), (160, 124)], 3, "3b2116")
    c.ellipse(160, 92, 23, 20, "b5652f")
    c.ellipse(160, 60, 17, 16, "b5652f")
    c.rectangle(150, 62, 20, 26, "b5652f")
    c.rectangle(157.5, 12, 5, 58, "2c1a14")
    c.circle(160, 13, 4.5, "8a4a24")
    c.rectangle(152, 80, 16, 2.5, "f0d9b0")
    for x in (149, 168):
        c.line([(x, 72), (x + 2, 86)], 1.5, "3b2116")
    c.line([(112, 92), (214, 68)], 2, "f3e6c8")


def woodshed(c: Canvas) -> None:
    c.gradient(0, 108, "c99b66", "b07f4d")
    for x in range(0, 320, 32):
        c.rectangle(x, 0, 1.5, 108, "936539")
    c.gradient(108, 130, "8a6642", "745334")
    for row, count in ((0, 6), (1, 5), (2, 4)):
        for index in range(count):
            x, y = 30 + index * 19 + row * 9.5, 100 - row * 16
            c.circle(x, y, 9, "7b5232")
            c.circle(x, y, 6.5, "e3c08d")
            c.ring(x, y, 3, 0.8, "c49a63")
    c.rectangle(196, 84, 52, 36, "7b5232")
    c.ellipse(222, 84, 26, 8, "e3c08d")
    c.line([(226, 80), (272, 34)], 5, "d9b27c")
    c.polygon([(214, 72), (232, 60), (238, 76), (228, 88)], "aeb6bd")


def drums(c: Canvas) -> None:
    c.gradient(0, 112, "1f2747", "45325f")
    c.gradient(112, 130, "2d2340", "241b34")
    c.polygon([(40, 0), (90, 0), (150, 112), (30, 112)], "333a63")
    c.polygon([(230, 0), (280, 0), (290, 112), (170, 112)], "3d3763")
    c.circle(160, 88, 32, "c8cbd6")
    c.circle(160, 88, 28, "e94f5d")
    c.circle(160, 88, 12, "f4d35e")
    for x, y in ((132, 50), (188, 50)):
        c.rectangle(x - 19, y, 38, 18, "e94f5d")
        c.ellipse(x, y, 19, 5, "f2efe8")
    for x, y in ((96, 82), (224, 82)):
        c.rectangle(x - 20, y, 40, 22, "e94f5d")
        c.ellipse(x, y, 20, 6, "f2efe8")
        c.line([(x - 14, y + 22), (x - 18, y + 38)], 2, "aeb2c2")
        c.line([(x + 14, y + 22), (x + 18, y + 38)], 2, "aeb2c2")
    for x, tilt in ((70, -10), (250, 10)):
        c.line([(x, 40), (x, 120)], 2, "aeb2c2")
        c.ellipse(x, 38, 28, 4, "e8bf4a", tilt)


def machine(c: Canvas) -> None:
    c.gradient(0, 96, "dfe7e6", "c8d6d6")
    c.gradient(96, 130, "a67c52", "8f6843")
    c.rectangle(36, 14, 62, 46, "f7f3ea")
    c.gradient(96, 98, "7b5836", "7b5836")
    c.polygon([(104, 110), (116, 62), (216, 62), (228, 110)], "2f3b4c")
    c.rectangle(104, 108, 124, 7, "243040")
    c.rectangle(126, 72, 38, 12, "8fd19e")
    for row in range(3):
        for column in range(3):
            c.rectangle(174 + column * 13, 70 + row * 11, 9, 7, "dfe5ec")
    c.circle(136, 98, 5, "e2574c")
    c.line([(118, 50), (202, 50)], 11, "3d4c61")
    c.ellipse(118, 54, 13, 9, "3d4c61")
    c.ellipse(202, 54, 13, 9, "3d4c61")
    for radius in (12, 20, 28):
        arc = [
            (240 + radius * math.cos(math.radians(a)), 56 + radius * math.sin(math.radians(a)))
            for a in range(-40, 41, 8)
        ]
        c.line(arc, 2, "5a7d8c")


def camera(c: Canvas) -> None:
    c.gradient(0, 130, "f2b8a0", "f7e0c8")
    c.circle(70, 34, 60, "f6c6ae")
    c.rectangle(92, 42, 136, 76, "35393f")
    c.rectangle(92, 60, 136, 34, "5a3f38")
    c.polygon([(134, 42), (142, 28), (178, 28), (186, 42)], "35393f")
    c.rectangle(104, 35, 18, 7, "8d949c")
    c.rectangle(198, 48, 18, 9, "fff4c4")
    c.circle(160, 80, 31, "20242a")
    c.circle(160, 80, 25, "4d6a86")
    c.circle(160, 80, 15, "24384d")
    c.circle(153, 73, 5, "c9e2f2")
    for x, y in ((248, 30), (262, 46), (256, 62)):
        c.line([(228, 50), (x, y)], 2, "fffbe6")
