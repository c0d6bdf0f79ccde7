"""Linear layers in fixed point."""

import pytest

from reranking.providers import fixed_point

pytestmark = pytest.mark.models

torch = pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def layers():
    if not fixed_point.available():
        pytest.skip("this machine does not multiply 8-bit matrices exactly")
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(576, 200), torch.nn.Linear(200, 64, bias=False))
    converted = torch.nn.Sequential(*plain)
    fixed_point.convert(converted)
    return plain, converted


def outlying(rows):
    """Activations as in a language model: small, with a few that are hundreds of times larger."""
    torch.manual_seed(1)
    values = torch.randn(rows, 576)
    values[:, ::100] *= 300
    return values


def test_results_are_those_of_float32_to_three_digits_even_with_outlying_activations(layers):
    plain, converted = layers
    with torch.inference_mode():
        expected, found = plain(outlying(50)), converted(outlying(50))
    assert (found - expected).abs().max() / expected.abs().max() < 1e-3


def test_a_row_gets_the_same_bits_whatever_rows_are_beside_it(layers):
    _, converted = layers
    rows = outlying(40)
    with torch.inference_mode():
        whole = converted(rows)
        for at in (0, 7, 39):
            assert torch.equal(converted(rows[at : at + 1])[0], whole[at])
        assert torch.equal(converted(rows[10:23]), whole[10:23])


def test_rows_of_zeros_give_the_bias(layers):
    plain, _ = layers
    single = torch.nn.Sequential(plain[0])
    fixed_point.convert(single)
    with torch.inference_mode():
        assert torch.equal(single(torch.zeros(1, 576))[0], plain[0].bias)


def test_layers_to_keep_are_kept():
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))
    head = model[1]
    fixed_point.convert(model, keep=(head,))
    assert model[1] is head
    assert type(model[0]) is not torch.nn.Linear
