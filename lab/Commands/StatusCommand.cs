using System.CommandLine;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Commands;

internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command("status", "List the labs of this machine");
        command.SetAction(_ =>
        {
            foreach (var lab in OverlayLab.List().Select(LabSummary.Of))
            {
                Console.WriteLine(lab);
            }

            return 0;
        });
        return command;
    }
}
