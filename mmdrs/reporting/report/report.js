(function () {
  'use strict';
  var list = document.getElementById('cards');
  if (!list) { return; }
  var cards = Array.prototype.slice.call(list.children);
  var classes = document.getElementById('by-class');
  var order = document.getElementById('order');
  var shown = document.getElementById('shown');

  function score(card) {
    var value = parseFloat(card.dataset.score);
    return isNaN(value) ? Infinity : value;
  }
  var orders = {
    worst: function (a, b) { return score(a) - score(b); },
    best: function (a, b) {
      // Cards without a score stay at the end.
      var x = score(a), y = score(b);
      if (x === Infinity || y === Infinity) { return x === y ? 0 : x === Infinity ? 1 : -1; }
      return y - x;
    },
    name: function (a, b) {
      return a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true });
    }
  };
  function update() {
    var wanted = classes.value, count = 0;
    cards.slice().sort(orders[order.value]).forEach(function (card) {
      card.hidden = wanted !== '' && card.dataset.classes.split(' ').indexOf(wanted) < 0;
      count += card.hidden ? 0 : 1;
      list.appendChild(card);
    });
    shown.textContent = count + ' of ' + cards.length + ' shown';
  }
  classes.addEventListener('change', update);
  order.addEventListener('change', update);
  // A browser that comes back to the page keeps what was chosen.
  document.getElementById('tools').hidden = false;
  update();
}());
