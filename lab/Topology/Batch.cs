using System.Text;

namespace OnCache.Lab.Topology;

/// <summary>A batch being written for <c>ip</c> or <c>bridge</c>, a command a line.</summary>
internal sealed class Batch
{
    private readonly StringBuilder text = new();

    public void Line(string line) => text.Append(line).Append('\n');

    public override string ToString() => text.ToString();
}
