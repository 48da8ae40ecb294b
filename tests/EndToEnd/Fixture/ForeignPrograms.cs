using OnCache.Agent.Net;
using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

/// <summary>A <see cref="ForeignProgram"/> at the end of each of some hooks.</summary>
internal sealed class ForeignPrograms : IDisposable
{
    private readonly List<ForeignProgram> programs = [];

    public ForeignPrograms(LabNode node, IEnumerable<(string Device, TcDirection Direction)> hooks)
    {
        try
        {
            foreach (var (device, direction) in hooks)
            {
                programs.Add(ForeignProgram.Attach(node, device, direction));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<ForeignProgram> OnEach => programs;

    public void Dispose() => programs.ForEach(static program => program.Dispose());
}
