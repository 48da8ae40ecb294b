using System.Globalization;
using System.Text;

namespace OnCache.Kubernetes.Client;

/// <summary>Parameters of a request.</summary>
internal sealed class QueryString
{
    private readonly StringBuilder _text = new();

    public QueryString Add(string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            _ = _text.Append(_text.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }

        return this;
    }

    public QueryString Add(string name, int value) => Add(name, value.ToString(CultureInfo.InvariantCulture));

    public QueryString AddSelection(ListQuery query) =>
        Add("labelSelector", query.LabelSelector).Add("fieldSelector", query.FieldSelector);

    public override string ToString() => _text.ToString();
}
