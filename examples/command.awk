# Fits a polynomial to the points of a file by stochastic gradient descent, and prints one JSON object per epoch.
#
#     awk -v degree=3 -v rate=0.1 -v seed=0 -v epochs=8 -f command.awk points.csv
#
# Every fourth point validates. Nothing here knows of the search.

{ split($0, xy, ","); x[NR] = xy[1]; y[NR] = xy[2] }

END {
    state = seed * 2654435 + 1  # of the generator below; what rand() draws differs from one awk to the next
    for (epoch = 1; epoch <= epochs; epoch++) {
        for (step = 1; step <= NR; step++) {
            point = 1 + drawn() % NR
            if (point % 4) descend(point)
        }
        printf "{\"epoch\": %d, \"train_loss\": %.10g, \"val_loss\": %.10g}\n", epoch, loss(0), loss(1)
        fflush()
    }
}

function drawn() { return state = (state * 16807) % 2147483647 }

function value(point,    power, sum) {
    sum = 0
    for (power = degree; power >= 0; power--) sum = sum * x[point] + weight[power]
    return sum
}

function descend(point,    power, slope) {
    slope = rate * (value(point) - y[point])
    for (power = 0; power <= degree; power++) { weight[power] -= slope; slope *= x[point] }
}

function loss(validation,    point, sum, count) {
    sum = count = 0
    for (point = 1; point <= NR; point++)
        if ((point % 4 == 0) == validation) { sum += (value(point) - y[point]) ^ 2; count++ }
    return sum / count
}
