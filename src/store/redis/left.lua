return math.ceil(left(microseconds()) / 1000)
